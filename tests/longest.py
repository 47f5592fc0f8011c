"""Which test files workers take first, so that none is left with a long one at the end."""

LONGEST = (
    *("training/test_fsdp.py", "test_command.py", "training/test_deepspeed.py"),
    *("training/test_data_parallel.py", "models/test_remote_code.py", "test_resume.py"),
    *("training/test_interruption.py", "test_replica_runs.py", "tasks/test_check.py"),
    *("test_wrong_commands_rows.py", "test_wrong_commands_settings.py", "test_wheel.py"),
    *("test_notebooks.py", "core/test_locks.py", "test_miniature.py", "test_command_mistakes.py"),
    *("attacks/test_signals.py", "test_wrong_commands_files.py", "test_wrong_commands_line.py"),
    *("tasks/test_data.py", "models/test_contract.py", "tasks/test_experiments.py"),
    "tasks/test_validation.py",
)
