"""A run that other code goes on with says so, and its results are not taken for this code's."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grit.core.fingerprints import fingerprint

Command = Callable[..., Any]
RUN = (
    *("model=tiny_qwen", "logger=none", "hydra.run.dir=run", "suite.limit=1"),
    *("evaluation.max_new_tokens=4", "trainer.progress_bar=false"),
)
TRAIN = (
    *("trainer.max_steps=1", "training.prompts_per_step=1", "rollout.sampling.max_new_tokens=4"),
    "training.must_learn=false",
)
OTHER = "0" * 12
WARNING = "the code has changed since this run began: "


def read(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((Path("run") / name).read_text())
    return fields


def begun_by_other_code(*left_out: str) -> str:
    """Let the record say so, as far as it said what code; returns what this code is."""
    record = read("run.json")
    other = record | {"code": OTHER, "git": "1234567"}
    Path("run/run.json").write_text(
        json.dumps({name: value for name, value in other.items() if name not in left_out})
    )
    return str(record["code"])


@pytest.mark.parametrize("said", ["its code", "nothing, as the first records"])
def test_what_other_code_has_trained_is_no_repetition(command: Command, said: str) -> None:
    assert command(*RUN, *TRAIN).code == 0
    this = begun_by_other_code(*([] if said == "its code" else ["code"]))
    assert read("results.json")["code"] == this
    former = OTHER if said == "its code" else "unknown"
    for warnings in (1, 0):  # once: then it has been said
        ended = command(*RUN, *TRAIN, "resume=true")
        assert (ended.code, ended.out.count(WARNING)) == (0, warnings)
        assert read("results.json")["code"] == fingerprint([former, this])
        assert read("run.json")["code"] == fingerprint([former, this])
        assert read("run.json")["codes"] == [former, this]
        assert read("run.json")["git"].startswith("1234567, then ")


def test_an_evaluation_that_is_gone_on_with_is_that_of_the_code_that_does_it(
    command: Command,
) -> None:
    assert command(*RUN, "task=evaluate").code == 0
    this = begun_by_other_code()
    ended = command(*RUN, "task=evaluate", "resume=true")
    assert (ended.code, ended.out.count(f"{WARNING}everything is evaluated again")) == (0, 1)
    assert read("results.json")["code"] == read("run.json")["code"] == this
    assert "1234567" not in read("run.json")["git"]
    ended = command(*RUN, "task=evaluate", "resume=true")
    assert (ended.code, WARNING in ended.out) == (0, False)
