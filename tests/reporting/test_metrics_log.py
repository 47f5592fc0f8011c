"""``metrics.jsonl``, also where a run was killed or its numbers were none."""

from grit.reporting.metrics_log import MetricsLog


def test_a_resumed_run_takes_back_the_steps_it_does_again(tmp_path):
    log = MetricsLog(tmp_path / "run" / "metrics.jsonl")
    log.rewind(3)
    assert not log.path.exists()
    for step in range(4):
        log.log_metrics({"train/loss": float("nan") if step == 1 else step / 2}, step)
    kept = "".join(log.path.read_text().splitlines(keepends=True)[:2])
    with log.path.open("a") as stream:
        stream.write('{"step": 4, "train/lo')  # a kill left it so
    assert [row["step"] for row in log.rows()] == [0, 1, 2, 3]
    log.rewind(2)
    assert log.path.read_text() == kept
