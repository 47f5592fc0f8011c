"""A judge behind an OpenAI-compatible service: concurrent calls, each distinct question once."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grit.core.background import in_background
from grit.core.errors import GritError
from grit.judge.cache import ScoreCache, cache_key
from grit.judge.client import Client, Stopped, Unjudged, check_service
from grit.judge.judge import Judge, Query
from grit.judge.prompt import ANSWER, VERSION, Content, answer_content
from grit.judge.reply import read_score
from grit.judge.settings import ServiceJudgeSettings
from grit.judge.usage import NOTHING, Usage
from grit.judge.words import normalized

log = logging.getLogger(__name__)
MADE_UP = Query("How many dogs are there?", "2", "two")
_KEPT_AT_ONCE = 64  # answers per write to the cache; a kill loses fewer than that


@dataclass(frozen=True)
class Question:
    """A message to send, and a function that reads the reply."""

    key: str  # in the cache
    content: Callable[[], Content]  # called when it is sent: pictures are large
    read: Callable[[str], float]  # reply -> score; raises UnreadableReply


class ServiceJudge(Judge):
    """Asks a model for scores in [0, 1].

    A question that is not answered after all attempts gets None. Once the service refuses every
    question (exhausted quota, wrong key), all further ones get None and ``trouble`` says why. After
    2 x ``in_flight`` failures in a row the rest of a batch is not asked.

    With ``settings.exact_match_first`` a prediction that equals the truth up to case, articles,
    punctuation and spelling of numbers scores 1 without a call. With ``settings.prompt`` None the
    paper's prompt is used, with tags round the predicted answer.
    """

    name = "openai"

    def __init__(self, settings: ServiceJudgeSettings) -> None:
        check_service(settings)
        self.service = settings
        self.model = settings.model
        self.max_failure_rate = settings.max_failure_rate
        folder = settings.cache
        self.cache = None if folder is None else ScoreCache(Path(folder).expanduser())
        self._usage = NOTHING

    def probe(self) -> None:
        """Ask one made-up question, once, before a run starts.

        Raises:
            GritError: no answer comes in time, it cannot be read (that of a model whose reasoning
                judge.max_tokens cuts off), or the service refuses this question, and so any.
        """
        if not self.service.ask_first:
            return

        async def ask() -> str | None:
            async with Client(self.service) as client:
                content = answer_content(MADE_UP, self.service.prompt or ANSWER)
                refusal = await client.probe(content, read_score)
                self.add_usage(client.usage)
                return refusal

        refusal = in_background(lambda: asyncio.run(ask())).result()
        if refusal is not None:
            raise GritError(
                f"judge: {self.service.base_url} ({self.model}) was asked one question: {refusal}; "
                "check judge.base_url, judge.model, the key, judge.temperature and "
                "judge.max_tokens (null: not sent), or use judge=rules "
                "(judge.ask_first=false leaves the question out)"
            )

    def take_usage(self) -> Usage:
        """Usage since the last call of this method."""
        taken, self._usage = self._usage, NOTHING
        return taken

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        """One score for each query, in their order; None for unjudged ones."""
        scores: list[float | None] = [1.0 if self._trivial(query) else None for query in queries]
        self._usage += Usage(by_rule=len(scores) - scores.count(None))
        open_rows = [row for row, score in enumerate(scores) if score is None]
        answers = self.answers([self._question(queries[row]) for row in open_rows])
        for row, answer in zip(open_rows, answers, strict=True):
            scores[row] = answer
        return scores

    def answers(self, questions: Sequence[Question]) -> list[float | None]:
        """The score of each question, from the cache or the service; None for unanswered ones.

        Questions with the same key are asked once.
        """
        distinct = {question.key: question for question in questions}
        found = self.cache.get(list(distinct)) if self.cache is not None else {}
        missing = [question for key, question in distinct.items() if key not in found]
        hits = len(distinct) - len(missing)
        if missing and self.trouble is None:
            # In another thread, because the caller's may have an event loop (in a notebook).
            batch = _Batch(self, missing)
            in_background(lambda: asyncio.run(batch.ask())).result()
            found |= batch.found
        failures = len(distinct) - len(found)
        self._usage += Usage(cache_hits=hits, failures=failures)
        return [found.get(question.key) for question in questions]

    def add_usage(self, usage: Usage) -> None:
        """Add the usage of a batch."""
        self._usage += usage

    def _trivial(self, query: Query) -> bool:
        wanted = normalized(query.truth)
        return (
            self.service.exact_match_first
            and bool(wanted)
            and wanted == normalized(query.prediction)
        )

    def _question(self, query: Query) -> Question:
        asked = self.service
        key = cache_key("answer", *asked.answering, VERSION, asked.prompt or "", *query)
        return Question(key, lambda: answer_content(query, asked.prompt or ANSWER), read_score)


class _Batch:
    """Questions that are asked concurrently; ``found``: key -> score, of those answered so far."""

    def __init__(self, judge: ServiceJudge, questions: Sequence[Question]) -> None:
        self.judge = judge
        self.found: dict[str, float] = {}
        self._unwritten: dict[str, float] = {}
        self._questions = questions
        self._reasons: Counter[str] = Counter()
        self._failed_in_a_row = 0

    async def ask(self) -> None:
        """Ask all questions, ``in_flight`` at a time."""
        waiting = iter(self._questions)
        workers = min(self.judge.service.in_flight, len(self._questions))
        async with Client(self.judge.service) as client:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(workers):
                        group.create_task(self._work(client, waiting))
            except* Stopped as stopped:
                self.judge.trouble = f"{self.judge.model}: {stopped.exceptions[0]}"
            finally:
                self._write()
                self.judge.add_usage(client.usage)
        self._say_what_failed()

    async def _work(self, client: Client, waiting: Iterator[Question]) -> None:
        for question in waiting:
            if self._failed_in_a_row >= 2 * self.judge.service.in_flight:
                return
            try:
                answer = await client.ask(question.content(), question.read)
            except Unjudged as error:
                self._reasons[str(error)] += 1
                self._failed_in_a_row += 1
                continue
            self._failed_in_a_row = 0
            self.found[question.key] = self._unwritten[question.key] = answer
            if len(self._unwritten) >= _KEPT_AT_ONCE:
                self._write()

    def _write(self) -> None:
        if self.judge.cache is not None and self._unwritten:
            self.judge.cache.put(self._unwritten)
        self._unwritten = {}

    def _say_what_failed(self) -> None:
        if self._reasons:
            reason, _ = self._reasons.most_common(1)[0]
            failed, asked = len(self._questions) - len(self.found), len(self._questions)
            log.warning("judge: %d of %d questions got no score: %s", failed, asked, reason)
