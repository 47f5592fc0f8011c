"""Wrong commands: files that are not there or not right, and functions that are not."""

import json

import pytest
from desk import Desk
from wrong_commands import Wrong, alone, check, wrong

JUDGES = """
def right(question, truth, prediction):
    return float(truth == prediction)


def of_two(truth, prediction):
    return 1.0


def fails(question, truth, prediction):
    return {}[prediction]


def percent(question, truth, prediction):
    return 100


def words(question, truth, prediction):
    return "right"


async def later(question, truth, prediction):
    return 1.0
"""
TERMS = """
def without_a_return(response):
    len(response.trace.text)


def misspelt(response):
    return response.trace.txt
"""
ROW = {"question": "Is it?", "answer": "yes", "dataset": "mine", "completion": "<answer>yes"}


@pytest.fixture(scope="module", autouse=True)
def files(desk: Desk) -> None:
    """What the commands name: functions, prompts, rows."""
    folder = desk.folder
    (folder / "judges.py").write_text(JUDGES)
    (folder / "terms.py").write_text(TERMS)
    (folder / "broken.py").write_text("def judge(question, truth prediction): return 1\n")
    (folder / "raises.py").write_text("1 / 0\n")
    (folder / "short.txt").write_text("Is {predicted_answer} right for {question}?\n")
    (folder / "latin.txt").write_bytes(b"\xe9 {question} {answer} {predicted_answer}")
    (folder / "folder").mkdir()
    (folder / "rows.jsonl").write_text(json.dumps(ROW) + "\n")
    (folder / "only_trained" / "images").mkdir(parents=True)
    (folder / "only_trained" / "train.jsonl").write_text(json.dumps(ROW) + "\n")


def own(call: str) -> tuple[str, ...]:
    return ("judge=own", f"judge.call={call}")


def term(call: str) -> str:
    return f"+reward.terms.mine={{call: {call}, weight: 1.0}}"


def prompt(file: str) -> tuple[str, ...]:
    return ("judge=openai", f"judge.prompt_file={file}")


CALL, TAKES = "judge.call", "(question, truth, prediction)"
FUNCTIONS = [
    wrong("judge=own", says=("judge=own", "judge.call=MODULE.FUNCTION", TAKES)),
    wrong(*own("nowhere.judge"), says=(CALL, "nowhere", "PYTHONPATH")),
    wrong(*own("judges.rigth"), says=(CALL, "judges.rigth")),
    wrong(*own("judges"), says=(CALL, "MODULE.FUNCTION")),
    wrong(*own("judges.JUDGES"), says=(CALL, "judges.JUDGES")),
    wrong(*own("broken.judge"), says=(CALL, "SyntaxError", "broken.py")),
    wrong(*own("raises.judge"), says=(CALL, "ZeroDivisionError")),
    wrong(*own("judges.of_two"), says=(CALL, "judges.of_two", TAKES)),
    alone(
        wrong(*own("judges.fails"), says=(CALL, "KeyError: 'yes'", "judges.py line 11", "made-up"))
    ),
    wrong(*own("judges.percent"), says=(CALL, "from 0 to 1", "100")),
    wrong(*own("judges.words"), says=(CALL, "from 0 to 1", "'right'")),
    wrong(*own("judges.later"), says=(CALL, "async")),
    wrong("task=correlation", "runs=x", *own("judges.right"), says=("figure 4", "judge=openai")),
    wrong("reward.terms.judge.call=terms.juge", says=("reward.terms.judge.call", "terms.juge")),
    wrong(term("terms.without_a_return"), says=("reward.terms.mine", "None")),
    wrong(term("terms.misspelt"), says=("reward.terms.mine", "AttributeError", "txt")),
]
PROMPTS = [
    wrong(*prompt("nowhere.txt"), says=("judge.prompt_file=nowhere.txt", "No such file")),
    wrong(*prompt("folder"), says=("judge.prompt_file=folder", "directory")),
    wrong(*prompt("short.txt"), says=("short.txt", "{answer}", "missing")),
    wrong(*prompt("latin.txt"), says=("latin.txt", "UTF-8")),
    wrong(*prompt("short.txt"), "judge.prompt=x", says=("judge.prompt", "one of them")),
    wrong("judge=openai", says=("OPENAI_API_KEY",), OPENAI_API_KEY=""),
]
ROWS = "question, answer, image"
FILES = [
    wrong("data=own", "data.root=gone", says=("gone/train.jsonl is missing", "train", ROWS)),
    wrong(
        *("data=own", "data.root=only_trained", "method=cot"),
        says=("only_trained/test.jsonl is missing", ROWS, "data.root"),
    ),
    wrong("data=own", "data.root=only_trained", says=("only_trained/test.jsonl is missing", ROWS)),
    wrong(
        *("model=internvl3_2b", "data=vsr_tally", "data.root=nowhere"),
        says=("nowhere/vsr_cot_train_10.jsonl", "data.root", "yfan1997/GRIT_data", "task=data"),
    ),
    wrong(
        *("model=internvl3_2b", "data=vsr_tally", "data.root=nowhere", "method=direct"),
        says=("nowhere/vsr_val.jsonl is missing", "5 other sets", "task=data", "suite=shapes"),
    ),
    wrong("task=score", "input=gone.jsonl", "output=o.jsonl", says=("gone.jsonl", "no such file")),
    wrong("task=score", "input=rows.jsonl", "output=folder", says=("output=folder",)),
    wrong("task=evaluate", "predictions=gone.jsonl", says=("gone.jsonl", "no such file")),
    alone(wrong("task=tables", "runs=gone", says=("runs: gone is not a folder",))),
    wrong("task=report", "runs=[gone]", says=("runs: gone is not a folder",)),
    wrong("task=correlation", "runs=folder", says=("folder: config.yaml is missing",)),
    wrong("task=faithfulness", "runs=folder", says=("folder: config.yaml is missing",)),
    wrong("task=attention", "runs=folder", says=("folder: config.yaml is missing",)),
]


@pytest.mark.parametrize("command", FUNCTIONS, ids=str)
def test_a_function_that_does_not_work(desk: Desk, command: Wrong) -> None:
    check(desk, command)


@pytest.mark.parametrize("command", PROMPTS, ids=str)
def test_a_judge_that_cannot_be_asked(desk: Desk, command: Wrong) -> None:
    check(desk, command)


@pytest.mark.parametrize("command", FILES, ids=str)
def test_a_file_that_is_not_there(desk: Desk, command: Wrong) -> None:
    check(desk, command)
