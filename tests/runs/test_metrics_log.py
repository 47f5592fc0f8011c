"""``metrics.jsonl``, also where a run was killed or its numbers were none."""

import pytest

from grit.core.errors import GritError
from grit.runs.metrics_log import MetricsLog


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


DAMAGED = {
    "no JSON": b'{"step": 1, "loss"\n',
    "a list": b"[1, 2]\n",
    "a number": b"7\n",
    "no step": b'{"train/loss": 1.0}\n',
    "a step of words": b'{"step": "one"}\n',
    "words": b'{"step": 1, "train/loss": "low"}\n',
    "nested": b'{"step": 1, "train/loss": {"a": 1}}\n',
    "no text": b'{"step": 1, "train/\xff": 1}\n',
    "a deep one": b'{"step": 1, "a": ' + b"[" * 100_000 + b"\n",
    "nothing": b"\n",
    "zeros": b"\0" * 40 + b"\n",
}


@pytest.mark.parametrize("use", ["rows", "rewind"])
@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_line_is_named(tmp_path, kind, use) -> None:
    path = tmp_path / "metrics.jsonl"
    content = b'{"step": 0, "train/loss": NaN}\n' + DAMAGED[kind] + b'{"step": 2}\n'
    path.write_bytes(content)
    log = MetricsLog(path)
    with pytest.raises(GritError) as raised:
        log.rows() if use == "rows" else log.rewind(2)
    assert str(raised.value).startswith(f"{path} line 2: ")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 250 + len(str(path))
    assert path.read_bytes() == content
