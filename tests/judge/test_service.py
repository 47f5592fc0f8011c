"""The judge against a real server that plays each fault."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from chat_service import (
    ChatService,
    Play,
    completion,
    dies,
    drips,
    fails,
    hangs_up,
    is_silent,
    says,
    sends,
)
from services import service

from grit.core.errors import GritError
from grit.judge.judge import Query
from grit.judge.prompt import answer_content
from grit.judge.service import ServiceJudge
from grit.judge.settings import PriceSettings, ServiceJudgeSettings

JudgeOf = Callable[..., ServiceJudge]
QUERY = Query("Is the cat left?", "yes", "Yes.")


def queries(count: int) -> list[Query]:
    return [Query("q", "t", f"p{n}") for n in range(count)]


# --- what is asked


def test_a_score_is_what_the_model_says(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.plays = [says("{score: 0.25}")]
    judge = judge_of()
    assert judge.score([QUERY]) == [0.25]
    assert (judge.model, judge.trouble, judge.max_failure_rate) == ("m", None, 0.5)
    (request,) = chat.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer key-of-the-tests-0123456789"
    assert {k: v for k, v in request.body.items() if k != "messages"} == {
        "model": "m",
        "temperature": 0.0,
        "max_tokens": 256,
    }
    assert request.text == answer_content(QUERY)
    assert "Question: Is the cat left?\nStandard answer: yes\nModel's answer: <" in request.text
    assert request.answer == "Yes."


def test_settings_that_are_null_are_left_out(chat: ChatService, judge_of: JudgeOf) -> None:
    judge_of(temperature=None, max_tokens=None).score([QUERY])
    assert set(chat.requests[0].body) == {"model", "messages"}


def test_azure(chat: ChatService, judge_of: JudgeOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "key-of-azure")
    judge = judge_of(base_url=chat.url, azure_api_version="2024-10-21")
    assert judge.score([QUERY]) == [1.0]
    (request,) = chat.requests
    assert request.path == "/openai/deployments/m/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == "key-of-azure"
    assert "key-of-the-tests" not in str(request.headers)


def test_a_service_of_ones_own_needs_no_key(
    chat: ChatService, judge_of: JudgeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert judge_of().score([QUERY]) == [1.0]


AZURE = service("https://x.openai.azure.com", azure_api_version="2024-10-21")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (service("https://api.openai.com/v1"), "OPENAI_API_KEY"),
        (
            service("https://x.openai.azure.com", azure_api_version="2024-10-21"),
            "AZURE_OPENAI_API_KEY",
        ),
    ],
)
def test_a_public_one_needs_its_key(
    settings: ServiceJudgeSettings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.delenv(each, raising=False)
    with pytest.raises(GritError, match=rf" {name};.*judge=rules"):
        ServiceJudge(settings)


# --- many questions


def test_identical_questions_are_asked_once(chat: ChatService, judge_of: JudgeOf) -> None:
    other = QUERY._replace(prediction="no")
    assert judge_of().score([QUERY, other, QUERY]) == [1.0, 1.0, 1.0]
    assert len(chat.requests) == 2


def test_calls_overlap_up_to_the_bound(chat: ChatService, judge_of: JudgeOf) -> None:
    def waits(handler) -> None:
        time.sleep(0.05)
        says("{score: 1}")(handler)

    chat.default = waits
    judge = judge_of(in_flight=4)
    start = time.perf_counter()
    assert judge.score(queries(16)) == [1.0] * 16
    assert chat.at_once == 4
    used = judge.take_usage()
    assert used.calls == 16
    assert time.perf_counter() - start < used.seconds / 2  # what they took one after another


def test_scores_stay_with_their_questions(chat: ChatService, judge_of: JudgeOf) -> None:
    def by_its_last_digit(handler) -> None:
        number = int(handler.asked.answer[-1])
        time.sleep(0.002 * (9 - number))  # the first answers come last
        says(f"{{score: 0.{number}}}")(handler)

    chat.default = by_its_last_digit
    judge = judge_of()
    assert judge.score(queries(10)) == [n / 10 for n in range(10)]


def test_it_can_be_asked_where_an_event_loop_runs(chat: ChatService, judge_of: JudgeOf) -> None:
    async def notebook() -> list[float | None]:
        return judge_of().score([QUERY])

    assert asyncio.run(notebook()) == [1.0]


# --- what need not be asked


def test_the_cache_answers_the_second_time(
    chat: ChatService, judge_of: JudgeOf, tmp_path: Path
) -> None:
    chat.default = says("{score: 0.5}")
    assert judge_of(cache=str(tmp_path)).score([QUERY]) == [0.5]
    again = judge_of(cache=str(tmp_path))
    assert again.score([QUERY, QUERY]) == [0.5, 0.5]
    assert len(chat.requests) == 1
    used = again.take_usage()
    assert (used.calls, used.cache_hits) == (0, 1)
    elsewhere = again.service.base_url.replace("127.0.0.1", "localhost")
    others = ({"model": "another"}, {"temperature": 1.0}, {"base_url": elsewhere})
    for asked, other in enumerate(others, 2):
        judge_of(cache=str(tmp_path), **other).score([QUERY])
        assert len(chat.requests) == asked
    for field in Query._fields:
        again.score([QUERY._replace(**{field: "other"})])
    assert len(chat.requests) == 7


def test_the_cache_tells_prompts_apart(
    chat: ChatService, judge_of: JudgeOf, tmp_path: Path
) -> None:
    prompts = [None, "{question} {answer} {predicted_answer}", "{predicted_answer}: {question}?"]
    chat.plays = [says("{score: 0}"), says("{score: 0.5}"), says("{score: 1}")]
    for _ in range(2):
        judges = [judge_of(cache=str(tmp_path), prompt=prompt) for prompt in prompts]
        assert [judge.score([QUERY]) for judge in judges] == [[0.0], [0.5], [1.0]]
    first, second, third = (request.text for request in chat.requests)
    assert first.startswith("You are responsible")
    assert (second, third) == ("Is the cat left? yes Yes.", "Yes.: Is the cat left??")


def test_a_failure_is_not_cached(chat: ChatService, judge_of: JudgeOf, tmp_path: Path) -> None:
    judge = judge_of(cache=str(tmp_path), attempts=1)
    chat.plays = [fails(500)]
    assert judge.score([QUERY]) == [None]
    assert judge.score([QUERY]) == [1.0]


def test_what_is_trivial_may_be_left_to_a_rule(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = says("{score: 0}")
    asked = Query("q", "yes", "no")
    judge = judge_of(exact_match_first=True)
    assert judge.score([QUERY, asked, Query("q", "", "")]) == [1.0, 0.0, 0.0]
    assert len(chat.requests) == 2
    assert judge.take_usage().by_rule == 1
    assert judge_of().score([QUERY]) == [0.0]  # not unless it is asked for


# --- faults


RETRIED = {
    "too many requests": fails(429),
    "too many requests, and how long to wait": fails(429, Retry_After="0.05"),
    "an error of the service": fails(500),
    "a bad gateway, in HTML": sends(502, "<html>Bad gateway</html>", "text/html"),
    "overloaded": fails(503),
    "silence": is_silent,
    "a slow drip": drips,
    "a connection that is closed": hangs_up,
    "a connection that dies": dies,
    "malformed JSON": sends(200, "{score: 1}"),
    "truncated JSON": sends(200, '{"id": "c1", "choices": [{"index": 0, "mess'),
    "an empty body": sends(200, ""),
    "HTML with status 200": sends(200, "<html>Log in</html>", "text/html"),
    "JSON that is no completion": sends(200, {}),
    "another JSON": sends(200, [1, 2]),
    "no choice": sends(200, completion("x") | {"choices": []}),
    "choices that are none": sends(200, completion("x") | {"choices": "none"}),
    "a refusal": says(None, refusal="I can't help with that."),
    "a refusal in words": says("I'm sorry, but I can't help with that."),
    "an empty reply": says(""),
    "a score above 1": says("{score: 7}"),
    "a score below 0": says("{score: -1}"),
    "no score": says("{score: high}"),
}
TIMED = ("silence", "a slow drip")  # nothing but our own clock ends these


@pytest.mark.parametrize("name", RETRIED)
def test_a_passing_fault_is_asked_again(chat: ChatService, judge_of: JudgeOf, name: str) -> None:
    chat.plays = [RETRIED[name]]
    judge = judge_of(timeout=1.0 if name in TIMED else 20.0)
    assert judge.score([QUERY]) == [1.0]
    assert len(chat.requests) == 2
    used = judge.take_usage()
    assert (used.calls, used.failures) == (2, 0)
    assert judge.trouble is None


@pytest.mark.parametrize("name", RETRIED)
def test_a_lasting_one_ends_unjudged(
    chat: ChatService, judge_of: JudgeOf, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    chat.default = RETRIED[name]
    judge = judge_of(timeout=0.3 if name in TIMED else 20.0)
    start = time.perf_counter()
    with caplog.at_level(logging.WARNING):
        assert judge.score([QUERY]) == [None]
    assert time.perf_counter() - start < 10
    assert len(chat.requests) == 3
    assert judge.take_usage().failures == 1
    assert judge.trouble is None  # the next question may fare better
    (record,) = caplog.records
    assert "1 of 1 questions got no score" in record.getMessage()
    assert len(record.getMessage()) < 500


@pytest.mark.parametrize(
    "play",
    [fails(400, "content_filter"), fails(413), fails(422)],
    ids=["content filter", "too large", "unprocessable"],
)
def test_what_will_never_be_answered_is_asked_once(
    chat: ChatService, judge_of: JudgeOf, play
) -> None:
    chat.plays = [play]
    judge = judge_of(in_flight=1)
    assert judge.score(queries(2)) == [None, 1.0]
    assert len(chat.requests) == 2
    assert judge.trouble is None


def test_a_service_that_is_not_there(judge_of: JudgeOf, chat: ChatService) -> None:
    judge = judge_of()
    chat.close()
    assert judge.score([QUERY]) == [None]
    chat.closing.set()


STOPPING = {
    "quota": (fails(429, "insufficient_quota"), "quota is exhausted"),
    "key": (fails(401, "invalid_api_key"), "key is not accepted"),
    "credit": (fails(402), "no credit left"),
    "right": (fails(403), "may not"),
    "model": (fails(404, "model_not_found", "no model m"), "no such model.*no model m"),
}


@pytest.mark.parametrize("name", STOPPING)
def test_what_no_waiting_mends_stops_everything(
    chat: ChatService, judge_of: JudgeOf, name: str, tmp_path: Path
) -> None:
    play, said = STOPPING[name]
    judge = judge_of(in_flight=1, cache=str(tmp_path))
    chat.plays = [says("{score: 0.5}")]
    chat.default = play
    assert judge.score(queries(5)) == [0.5, None, None, None, None]
    assert len(chat.requests) == 2  # neither again, nor about the others
    assert judge.trouble is not None
    assert re.search(said, judge.trouble)
    assert "\n" not in judge.trouble
    assert judge.score(queries(2)) == [0.5, None]  # the cache still knows
    assert len(chat.requests) == 2


@pytest.mark.parametrize("status", [400, 402, 405, 413, 422])
def test_a_service_that_refuses_a_made_up_question_is_not_used(
    chat: ChatService, judge_of: JudgeOf, status: int
) -> None:
    chat.default = fails(status, "unsupported_parameter", "max_tokens is not supported")
    with pytest.raises(GritError, match=rf"HTTP {status}: .*judge\.max_tokens \(null: not sent\)"):
        judge_of(ask_first=True).probe()
    assert len(chat.requests) == 1


def test_the_made_up_question_has_the_time_of_any_other(
    chat: ChatService, judge_of: JudgeOf
) -> None:
    chat.default = is_silent
    began = time.monotonic()
    with pytest.raises(GritError, match="no answer in time"):
        judge_of(ask_first=True, timeout=0.3).probe()
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_a_fault_that_may_pass_keeps_no_run_from_starting(
    chat: ChatService, judge_of: JudgeOf, status: int
) -> None:
    chat.default = fails(status)
    judge_of(ask_first=True).probe()
    assert len(chat.requests) == 1


@pytest.mark.parametrize("reply", [says("<think> The model answers"), says(None)])
def test_a_model_whose_replies_cannot_be_read_is_not_used(
    chat: ChatService, judge_of: JudgeOf, reply: Play
) -> None:
    """As one whose reasoning judge.max_tokens cuts off, or that a parser takes out."""
    chat.default = reply
    with pytest.raises(GritError, match=r"asked one question: .*judge\.max_tokens"):
        judge_of(ask_first=True).probe()
    assert len(chat.requests) == 2
    chat.plays, chat.default = [reply], says("{score: 1}")
    judge_of(ask_first=True).probe()


def test_a_service_that_repeats_the_key(
    chat: ChatService, judge_of: JudgeOf, caplog: pytest.LogCaptureFixture
) -> None:
    key = "key-of-the-tests-0123456789"
    chat.plays = [fails(400, message=f"bad request with {key}\n and more")]
    chat.default = fails(401, message=f"Incorrect API key: {key}, or sk-proj-abcdef123456")
    judge = judge_of(in_flight=1)
    with caplog.at_level(logging.DEBUG):
        judge.score(queries(2))
    assert judge.trouble is not None
    assert "Incorrect API key: ***, or ***" in judge.trouble
    assert "bad request with ***" in caplog.text
    assert "key-of-the-tests" not in caplog.text
    assert "key-of-the-tests" not in repr(judge.__dict__) + repr(judge.service)


# --- bounds


def test_a_question_has_a_bound_in_seconds(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = is_silent
    start = time.perf_counter()
    assert judge_of(attempts=100, timeout=0.2, total_timeout=0.5).score([QUERY]) == [None]
    assert time.perf_counter() - start < 10
    assert 1 < len(chat.requests) <= 4


IN_AN_HOUR = format_datetime(datetime.now(UTC) + timedelta(hours=1))


@pytest.mark.parametrize("header", ["3600", IN_AN_HOUR], ids=["seconds", "date"])
def test_nobody_waits_in_vain(chat: ChatService, judge_of: JudgeOf, header: str) -> None:
    """The service asks for more time than the question has."""
    chat.default = fails(429, Retry_After=header)
    start = time.perf_counter()
    assert judge_of().score([QUERY]) == [None]
    assert time.perf_counter() - start < 10
    assert len(chat.requests) == 1


def test_the_time_that_a_service_asks_for_is_kept(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.plays = [fails(429, Retry_After="0.2")]
    start = time.perf_counter()
    assert judge_of().score([QUERY]) == [1.0]
    assert time.perf_counter() - start >= 0.2


def test_a_dead_service_is_not_asked_everything(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = fails(500)
    judge = judge_of(in_flight=2, attempts=1)
    assert judge.score(queries(50)) == [None] * 50
    assert len(chat.requests) <= 6
    assert judge.take_usage().failures == 50
    chat.default = says("{score: 1}")
    assert judge.score(queries(3)) == [1.0] * 3  # and is asked again later


def test_one_failure_leaves_the_others_alone(chat: ChatService, judge_of: JudgeOf) -> None:
    def by_prediction(handler) -> None:
        (fails(500) if "p3" in chat.requests[-1].text else says("{score: 1}"))(handler)

    chat.default = by_prediction
    judge = judge_of(in_flight=1, attempts=2)
    assert judge.score(queries(6)) == [1.0, 1.0, 1.0, None, 1.0, 1.0]


# --- what it was used for


def test_usage_is_counted(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.plays = [fails(500), says("no")]  # an unreadable reply is paid for
    judge = judge_of(prices={"m": PriceSettings(input=2.5, output=10.0)})
    judge.score([QUERY])
    used = judge.take_usage()
    assert (used.calls, used.prompt_tokens, used.completion_tokens) == (3, 200, 20)
    assert used.cost == pytest.approx(200 * 2.5e-6 + 20 * 10e-6)
    assert 0 < used.latency < 20
    assert judge.take_usage().calls == 0


def test_a_model_without_a_price_has_no_cost(chat: ChatService, judge_of: JudgeOf) -> None:
    judge = judge_of()
    judge.score([QUERY])
    assert judge.take_usage().cost is None


def test_a_service_that_counts_no_tokens(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.plays = [sends(200, completion("{score: 1}") | {"usage": None})]
    judge = judge_of(prices={"m": PriceSettings(input=1, output=1)})
    assert judge.score([QUERY]) == [1.0]
    assert judge.take_usage().prompt_tokens == 0
