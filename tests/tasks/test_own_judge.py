"""``judge=own`` and ``judge.prompt_file=`` as the command line gives them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_service import ChatService, says

Command = Callable[..., Any]  # ends in (code, out, err)
ROWS = [
    {"question": f"Is it {truth}?", "answer": truth, "dataset": "mine", "completion": completion}
    for truth, completion in (
        ("red", "<answer>Red</answer>"),
        ("green", "<answer>blue</answer>"),
        ("unclear", "<answer>grey</answer>"),
    )
]
JUDGES = """
from pathlib import Path


def mild(question, truth, prediction):
    if truth == "unclear":
        return None
    return 0.75 if truth == prediction.lower() else 0


def strict(question, truth, prediction):
    return truth == prediction


def breaks(question, truth, prediction):
    if Path("broken").exists() and Path("run/results.before.json").exists():
        raise LookupError("the table is gone")
    return truth == prediction
"""


@pytest.fixture
def grit(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run ``python -m grit`` where a module of judges and some predictions are."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "my_judges", raising=False)
    (tmp_path / "my_judges.py").write_text(JUDGES)
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return command


def results(folder: str) -> dict[str, Any]:
    return json.loads(Path(folder, "results.json").read_text(encoding="utf-8"))


def test_it_scores_predictions_and_results_say_which_it_was(grit: Command) -> None:
    for name in ("mild", "strict"):
        judge = ("judge=own", f"judge.call=my_judges.{name}")
        ended = grit("task=evaluate", "predictions=said.jsonl", *judge, f"hydra.run.dir={name}")
        assert (ended.code, ended.err) == (0, "")
    mild, strict = results("mild"), results("strict")
    assert (mild["judge"], strict["judge"]) == ("own (my_judges.mild)", "own (my_judges.strict)")
    assert mild["config_hash"] != strict["config_hash"]
    # A file of one's own choices, after the overrides: what goes on with the run names it too.
    Path("choices/judge").mkdir(parents=True)
    Path("choices/judge/mild.yaml").write_text("name: own\ncall: my_judges.mild\n")
    given = ("task=evaluate", "predictions=said.jsonl", "--config-dir", "choices", "judge=mild")
    assert grit(*given, "hydra.run.dir=chosen").code == 0
    chosen = results("chosen")
    assert (chosen["judge"], chosen["config_hash"]) == (mild["judge"], mild["config_hash"])
    command = json.loads(Path("chosen/run.json").read_text())["command"]
    assert f"--config-dir {Path('choices').resolve()} " in command
    found = mild["sets"]["mine"]
    assert (found["acc"]["mean"], found["acc"]["n"], found["judge_failures"]) == (37.5, 2, 1)
    assert strict["sets"]["mine"]["acc"]["mean"] == 0.0
    # Runs of one judge share no table with those of another.
    ended = grit("task=tables", "runs=[mild,strict]", "exhibits=[table1]", "hydra.run.dir=tables")
    assert ended.code == 0
    table = Path("tables/table1.md").read_text(encoding="utf-8")
    assert "judge=own (my_judges.mild)" in table.replace("\\", "")
    assert "judge=own (my_judges.strict)" in table.replace("\\", "")


def test_it_scores_completions(grit: Command) -> None:
    judge = ("judge=own", "judge.call=my_judges.mild")
    assert grit("task=score", "input=said.jsonl", "output=scored.jsonl", *judge).code == 0
    scored = [json.loads(line) for line in Path("scored.jsonl").read_text().splitlines()]
    assert [row["components"]["judge"] for row in scored] == [1.0, 0.0, None]


def test_a_run_that_it_stops_goes_on_when_it_is_mended(grit: Command) -> None:
    run = (
        *("experiment=smoke", "suite.limit=1", "logger=none", "hydra.run.dir=run"),
        *("training.group_size=4", "rollout.sampling.max_new_tokens=160"),
        *("judge=own", "judge.call=my_judges.breaks"),
    )
    Path("broken").touch()
    ended = grit(*run)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    for word in (
        *("judge.call=my_judges.breaks", "LookupError: the table is gone", "my_judges.py line 17"),
        *("stopped after step 0 of 2", "go on with: ", "resume=true"),
    ):
        assert word in line
    log = Path("run/grit.log").read_text(encoding="utf-8").splitlines()
    assert log[-1] == line
    Path("broken").unlink()
    ended = grit(*run, "resume=true")
    assert (ended.code, ended.err) == (0, "")
    assert results("run")["judge"] == "own (my_judges.breaks)"


def test_a_prompt_of_ones_own_is_what_the_service_is_asked(
    grit: Command, chat: ChatService
) -> None:
    Path("prompt.txt").write_text("{question} | {answer} | {predicted_answer} {score: N}\n")
    chat.default = says("{score: 1}")
    judge = ("judge=openai", f"judge.base_url={chat.url}/v1", "judge.cache=cache")
    own = "judge.prompt_file=prompt.txt"
    for folder, more in (("paper", []), ("mine", [own]), ("again", [own])):
        ended = grit(
            *("task=evaluate", "predictions=said.jsonl", *judge, f"hydra.run.dir={folder}", *more)
        )
        assert (ended.code, ended.err) == (0, "")
    asked = [request.text for request in chat.requests]
    assert len(asked) == 6  # the second time the cache knows
    assert "Is it red? | red | Red {score: N}" in asked[3:]
    paper, mine, again = (results(folder) for folder in ("paper", "mine", "again"))
    assert paper["judge"] == "openai"
    assert mine["judge"].startswith("openai, prompt ")
    assert mine["judge"] == again["judge"]
    assert mine["config_hash"] == again["config_hash"] != paper["config_hash"]
    assert "{predicted_answer} {score: N}" in Path("mine/config.yaml").read_text()


def test_an_evaluation_in_which_it_judges_nothing_fails(grit: Command) -> None:
    given = ("task=evaluate", "predictions=said.jsonl", "judge=own")
    ended = grit(*given, "judge.call=my_judges.mild", "judge.max_failure_rate=0.3")
    assert ended.code == 1
    assert "the judge failed on 1 of 3" in ended.err
