"""Runs with ``judge=openai`` as the command line gives them, against a service on loopback."""

import itertools
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from chat_service import ChatService, completion, fails, says, sends

Command = Callable[..., Any]  # ends in (code, out, err)

KEY = b"key-of-the-tests-0123456789"


@pytest.fixture
def grit(command: Command, chat: ChatService) -> Command:
    """Run ``python -m grit judge=openai`` into the folder ``run``."""
    return partial(
        command,
        "judge=openai",
        f"judge.base_url={chat.url}/v1",
        "judge.cache=cache",
        "judge.in_flight=1",  # so that plays come in the order of the questions
        "judge.backoff=0.01",
        "hydra.run.dir=run",
    )


def row(answer: str, **fields: Any) -> dict[str, Any]:
    return {
        "question": "Is the cat left?",
        "answer": "yes",
        "dataset": "vsr",
        "completion": f"<think></think><answer>{answer}</answer>",
        **fields,
    }


def written(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def without_the_key(folder: Path) -> None:
    """Not one byte of it, whatever the file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert [path for path in files if KEY in path.read_bytes()] == []


def one_line(ended: Any) -> str:
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("grit: ")
    return ended.err


# --- evaluation


def test_the_score_itself_is_acc(grit: Command, chat: ChatService, tmp_path: Path) -> None:
    written(tmp_path / "said.jsonl", row("yes"), row("it is"), row("no"), row(""))
    chat.plays = [says("{score: 1}"), says("{score: 0.5}"), says("{score: 0}")]
    ended = grit("task=evaluate", "predictions=said.jsonl")
    assert (ended.code, ended.err) == (0, "")
    found = results(tmp_path / "run")
    assert (found["judge"], found["sets"]["vsr"]["acc"]["mean"]) == ("openai", 37.5)
    assert found["sets"]["vsr"]["judge_failures"] == 0
    assert [request.answer for request in chat.requests] == ["yes", "it is", "no"]
    usage = found["judge_usage"]
    assert (usage["model"], usage["calls"], usage["cache_hits"]) == ("gpt-4o", 3, 0)
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (300, 30)
    assert usage["cost"] == pytest.approx(300 * 2.5e-6 + 30 * 10e-6)
    without_the_key(tmp_path)


def test_what_failed_is_asked_again_at_the_end(
    grit: Command, chat: ChatService, tmp_path: Path
) -> None:
    rows = [row("a"), row("b"), row("c", dataset="gqa"), row("d", dataset="gqa")]
    written(tmp_path / "said.jsonl", *rows)
    chat.plays = [fails(500), says("{score: 1}"), fails(500), says("{score: 1}")]
    chat.plays += [says("{score: 1}"), fails(500)]  # a is back, c is not
    ended = grit("task=evaluate", "predictions=said.jsonl", "judge.attempts=1")
    assert ended.code == 0
    sets = results(tmp_path / "run")["sets"]
    assert [(one["judge_failures"], one["acc"]["n"]) for one in sets.values()] == [(0, 2), (1, 1)]
    asked = [request.answer for request in chat.requests]
    assert asked == ["a", "b", "c", "d", "a", "c"]
    assert "gqa: the judge failed on 1 rows" in ended.out
    failed = [
        json.loads(line)
        for line in (tmp_path / "run" / "predictions.jsonl").read_text().splitlines()
    ][2]
    assert (failed["acc"], failed["judge_failed"]) == (None, True)


def test_too_many_failures_are_said_when_all_is_written(
    grit: Command, chat: ChatService, tmp_path: Path
) -> None:
    written(tmp_path / "said.jsonl", row("a"), row("b"))
    chat.default = fails(500)
    message = one_line(grit("task=evaluate", "predictions=said.jsonl", "judge.attempts=1"))
    for word in ("2 of 2", "judge.max_failure_rate=0.5", "predictions.jsonl", "task=evaluate"):
        assert word in message
    assert results(tmp_path / "run")["sets"]["vsr"]["judge_failures"] == 2
    chat.default = says("{score: 1}")
    again = grit("task=evaluate", "predictions=run/predictions.jsonl", "hydra.run.dir=again")
    assert again.code == 0
    assert results(tmp_path / "again")["sets"]["vsr"]["acc"]["mean"] == 100.0


def test_an_exhausted_quota_is_one_line(grit: Command, chat: ChatService, tmp_path: Path) -> None:
    written(tmp_path / "said.jsonl", row("a"), row("b"))
    chat.default = fails(429, "insufficient_quota", "You exceeded your current quota")
    message = one_line(grit("task=evaluate", "predictions=said.jsonl"))
    assert "gpt-4o: the quota is exhausted (HTTP 429: " in message
    assert len(chat.requests) == 1


def test_a_public_service_needs_a_key(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    written(tmp_path / "said.jsonl", row("a"))
    ended = command("task=evaluate", "predictions=said.jsonl", "judge=openai", "hydra.run.dir=run")
    assert "OPENAI_API_KEY" in one_line(ended)
    assert not (tmp_path / "run" / "results.json").exists()


# --- rewards


def test_a_reward_is_binary_and_masked(grit: Command, chat: ChatService, tmp_path: Path) -> None:
    written(tmp_path / "said.jsonl", row("a"), row("b"), row("c"), row("no"))
    chat.plays = [says("{score: 0.01}"), says("{score: 0}"), fails(500), says("{score: 1}")]
    files = ("task=score", "input=said.jsonl", "output=scored.jsonl")
    ended = grit(*files, "judge.attempts=1")
    assert (ended.code, "1 of them unjudged" in ended.out) == (0, True)
    scored = [json.loads(line) for line in (tmp_path / "scored.jsonl").read_text().splitlines()]
    assert [one["components"]["judge"] for one in scored] == [1.0, 0.0, None, 1.0]
    assert [one["reward"] is None for one in scored] == [False, False, True, False]


def test_scores_that_nobody_judged_are_not_written(
    grit: Command, chat: ChatService, tmp_path: Path
) -> None:
    written(tmp_path / "said.jsonl", row("a"))
    chat.default = fails(401)
    assert "the key is not accepted" in one_line(
        grit("task=score", "input=said.jsonl", "output=scored.jsonl")
    )
    assert not (tmp_path / "scored.jsonl").exists()


# --- training


def test_a_run_stops_without_quota_and_goes_on_with_it(
    grit: Command, chat: ChatService, tmp_path: Path
) -> None:
    run = partial(
        grit,
        *("experiment=smoke", "logger.mode=offline", "suite.limit=1"),
        *("training.group_size=4", "rollout.sampling.max_new_tokens=160"),
    )
    quota = fails(429, "insufficient_quota")

    def in_training(handler: Any) -> None:
        """The quota ends as soon as the evaluation before training is done."""
        before = (tmp_path / "run" / "results.before.json").exists()
        (quota if before else says("{score: 1}"))(handler)

    chat.default = in_training
    message = one_line(run())
    for word in ("quota is exhausted", "stopped after step 0 of 2", "resume=true"):
        assert word in message
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == [
        "step-000000.ckpt"
    ]
    chat.default = says("{score: 1}")
    ended = run("resume=true")
    assert (ended.code, ended.err) == (0, "")
    found = results(tmp_path / "run")
    steps = [
        json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    assert [step["step"] for step in steps] == [0, 1]
    before = json.loads((tmp_path / "run" / "results.before.json").read_text())["judge_usage"]
    in_steps = sum(step["train/judge/calls"] for step in steps)
    assert in_steps > 0
    assert found["judge_usage"]["calls"] >= before["calls"] + in_steps > in_steps
    without_the_key(tmp_path)


def test_replies_that_no_judge_gives_end_a_training_with_a_checkpoint(
    grit: Command, chat: ChatService, tmp_path: Path
) -> None:
    replies = itertools.cycle(
        [
            sends(200, b'{"id": "\xff"}'),
            sends(200, "[" * 100_000),
            sends(200, f'{{"id": {"1" * 5000}}}'),
            fails(429, Retry_After="Mon, 01 Jan 99999999999 00:00:00 GMT"),
            sends(200, completion("{score: 1}") | {"usage": {"prompt_tokens": 10**400}}),
        ]
    )

    def in_training(handler: Any) -> None:
        before = (tmp_path / "run" / "results.before.json").exists()
        (next(replies) if before else says("{score: 1}"))(handler)

    chat.default = in_training
    message = one_line(
        grit(
            *("experiment=smoke", "logger.mode=offline", "suite.limit=1", "judge.attempts=1"),
            *("training.group_size=8", "rollout.sampling.max_new_tokens=160"),
            "judge.max_failure_rate=0.2",  # the base has few answers that are asked about
        )
    )
    for word in ("the judge failed on", "stopped after step 0 of 2", "resume=true"):
        assert word in message
    checkpoints = [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()]
    assert checkpoints == ["step-000000.ckpt"]
