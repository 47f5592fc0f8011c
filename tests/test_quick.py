"""What ``make quick`` chooses."""

import pytest
from longest import LONGEST
from quick import ALWAYS, ROOT, needed_for

TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("src/grit/core/locks.py", "tests/core/test_locks.py"),
        ("src/grit/training/grpo_gr.py", "tests/training/test_grpo_gr.py"),
        ("src/grit/studies/attention_study.py", "tests/studies/test_attention_study.py"),
        ("src/grit/core/interruption.py", "tests/training/test_interruption.py"),
        ("tests/judge/test_reply.py", "tests/judge/test_reply.py"),
        ("conf/trainer/ddp.yaml", "tests/config"),
        ("README.md", "tests/test_documents.py"),
    ],
)
def test_a_change_needs_the_tests_that_import_it(file: str, expected: str) -> None:
    found = needed_for([file], TESTS)
    assert expected in found
    assert ALWAYS in found
    assert len(found) < len(TESTS) / 3


def test_what_is_gone_needs_no_test_of_its_own() -> None:
    assert needed_for(["tests/judge/test_gone.py", "src/grit/judge/gone.py"], TESTS) == [ALWAYS]


def test_the_files_that_start_first_are_there() -> None:
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []
