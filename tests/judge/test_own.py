"""A judge of one's own: what it may give, and what is a mistake in it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grit.core.errors import GritError
from grit.judge.judge import JudgeFailed, Query, check_failures
from grit.judge.making import make_judge
from grit.judge.own import OwnJudge
from grit.judge.settings import OwnJudgeSettings

QUERIES = [Query("Is it?", "yes", "yes"), Query("Is it?", "yes", "no"), Query("Is it?", "?", "a")]


@pytest.fixture
def judge_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """A judge from the text of its function."""
    monkeypatch.syspath_prepend(tmp_path)

    def judge_of(body: str, arguments: str = "question, truth, prediction") -> OwnJudge:
        module = f"own_{abs(hash((body, arguments, request.node.name)))}"
        (tmp_path / f"{module}.py").write_text(f"def judge({arguments}):\n    {body}\n")
        return OwnJudge(f"{module}.judge")

    return judge_of


def test_it_is_asked_in_order_and_may_leave_rows_unjudged(judge_of) -> None:
    judge = judge_of("return None if truth == '?' else float(truth == prediction)")
    assert judge.score(QUERIES) == [1.0, 0.0, None]
    assert judge.score([]) == []
    assert judge.trouble is None


@pytest.mark.parametrize("value", [True, 1, 0.25, np.float32(0.5), np.int64(0), torch.tensor(1.0)])
def test_numbers_of_every_kind_are_scores(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = OwnJudge("builtins.max")
    monkeypatch.setattr(judge, "_call", lambda *_: value)
    assert judge.score(QUERIES[:1]) == [float(value)]
    assert isinstance(judge.score(QUERIES[:1])[0], float)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1.5", "from 0 to 1 or None, found 1.5"),
        ("return -1", "found -1"),
        ("return float('nan')", "found nan"),
        ("return '1'", "found '1'"),
        ("return [1.0]", r"found \[1.0\]"),
        ("return {}[prediction]", r"KeyError: 'no', .*own_\d+\.py line 2"),
        ("assert prediction != 'no', 'it\\nis'", "AssertionError: it is"),
    ],
)
def test_a_mistake_ends_the_asking(judge_of, body: str, said: str) -> None:
    judge = judge_of(f"calls.append(prediction); {body}", "question, truth, prediction, calls=[]")
    assert judge.score(QUERIES[1:]) == [None, None]
    trouble = judge.trouble
    assert trouble is not None
    assert trouble.startswith(f"judge.call={judge.path}: ")
    with pytest.raises(GritError, match=f"{said}.*asked about 'Is it\\?'"):
        raise GritError(trouble)  # which makes one line of it
    assert judge.score(QUERIES) == [None, None, None]
    assert judge._call.__defaults__ == (["no"],)  # it was asked once


def test_a_judge_that_judges_nothing_stops_a_run() -> None:
    """As one that asks a service which is down, and gives None as it may."""
    judge = make_judge(OwnJudgeSettings(name="own", call="builtins.max"))
    check_failures(judge, 1, 2)
    with pytest.raises(JudgeFailed, match=r"3 of 4 answers.*judge\.max_failure_rate=0\.5"):
        check_failures(judge, 3, 4)


def test_it_is_tried_on_a_made_up_answer(judge_of) -> None:
    judge_of("return None").probe()
    with pytest.raises(GritError, match=r"KeyError: 'yes'.*a made-up question"):
        judge_of("return {}[prediction]").probe()


@pytest.mark.parametrize(
    ("arguments", "fine"),
    [
        ("question, truth, prediction", True),
        ("*everything", True),
        ("q, t, p, strict=False", True),
        ("question, truth", False),
        ("question, truth, prediction, strict", False),
        ("*, question, truth, prediction", False),
    ],
)
def test_what_it_takes_is_known_before_it_is_asked(judge_of, arguments: str, fine: bool) -> None:
    if fine:
        judge_of("return 1", arguments)
    else:
        with pytest.raises(GritError, match=r"judge\.call=.*\(question, truth, prediction\)"):
            judge_of("return 1", arguments)


@pytest.mark.parametrize(
    "path", ["judge", "nowhere.judge", "os.path.judge", "os.sep", ".judge", "os..path", ""]
)
def test_a_path_to_nothing_names_the_setting(path: str) -> None:
    with pytest.raises(GritError, match=r"^judge\.call: "):
        OwnJudge(path)
