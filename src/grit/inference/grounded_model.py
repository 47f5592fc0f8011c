"""A model that can be asked: ``grit.load(RUN).ask(image, question)``."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Lock
from time import monotonic
from weakref import finalize

import numpy as np
from PIL import Image

from grit.config.schema import Config
from grit.core.background import in_background
from grit.core.files import scratch_folder
from grit.core.memory import moved
from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.grounding.traces import settled
from grit.inference.answers import Answer
from grit.inference.questions import Asked, Canvas, Photograph
from grit.inference.sources import Source
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.prompt_limits import PromptLengths, PromptLimit
from grit.models.prompting import Prompting
from grit.models.setup import make_adapter
from grit.models.written_text import written_text
from grit.rollout.engine import Completion, Engine, Watch
from grit.rollout.engines import engine_of
from grit.rollout.parts import parts_of
from grit.rollout.settings import Sampling
from grit.rollout.vllm_command import Served
from grit.studies.box_attention import box_attention
from grit.training.device import autocast, prepare_device

AT_A_TIME = 64  # prompts in memory; answers do not depend on it
Picture = str | Path | Image.Image
Tokens = SimpleQueue[tuple[int, ...] | None]  # a completion's so far; None: it has ended


class _Unwanted(Exception):
    """Nobody listens to a stream any more."""


class GroundedModel:
    """A vision-language model, and how it is asked. Calls from several threads wait in line.

    Args:
        source: the model with its settings.
        folder: for the log of an engine that is started; None: a temporary one, which stays if
            the engine cannot be started.
    """

    def __init__(self, source: Source, folder: Path | None = None) -> None:
        self.source = source
        config = source.config
        here = replace(config.trainer, devices=1, num_nodes=1)
        self.device = prepare_device(here, config.threads)
        self.adapter: Adapter = make_adapter(
            config.model, learning=False, checkpoint=source.checkpoint
        )
        moved(self.adapter.model.eval(), self.device)
        self.prompting = Prompting(config.method.suffix, config.method.example)
        self.engine, self.close = self._opened(folder)
        self._lengths = PromptLengths(self.adapter, self.prompting)
        self._lock = Lock()

    def _opened(self, folder: Path | None) -> tuple[Engine, Callable[[], object]]:
        """The engine, and what ends it: at the latest when nobody has this object any more."""
        rollout, served = self.config.rollout, Served(self.config.model)
        with ExitStack() as stack:
            if folder is None:
                folder = stack.enter_context(scratch_folder())
            folder.mkdir(parents=True, exist_ok=True)
            opened = engine_of(self.adapter, rollout, served, folder)
            engine, kept = stack.enter_context(opened), stack.pop_all()
        return engine, finalize(self, kept.close)

    @property
    def name(self) -> str:
        """What it was loaded by."""
        return self.source.name

    @property
    def config(self) -> Config:
        """The settings that it was loaded by."""
        return self.source.config

    def ask(self, image: Picture, question: str) -> Answer:
        """The greedy answer to a question about an image.

        Args:
            image: a file, or an image in memory.
            question: in words.

        Raises:
            GritError: the image cannot be read, or the prompt is too long for the model.
        """
        ((answer,),) = self.answered([_asked(image, question)])
        return answer

    def sample(self, image: Picture, question: str, count: int, *, seed: int = 0) -> list[Answer]:
        """``count`` different answers, drawn at ``evaluation.temperature``; as ``ask`` otherwise.

        Args:
            image: a file, or an image in memory.
            question: in words.
            count: how many.
            seed: the same gives the same answers.
        """
        (answers,) = self.answered([_asked(image, question)], count, greedy=False, seed=seed)
        return answers

    def stream(
        self, image: Picture, question: str, *, within: float | None = None
    ) -> Generator[Answer, None, None]:
        """The answer of ``ask`` as it is written: one for each token, each longer than the last.

        A stream that is closed before its end stops the model.

        Args:
            image: a file, or an image in memory.
            question: in words.
            within: seconds for all of it; None: no limit.

        Raises:
            TimeoutError: it has taken longer; the model stops.
        """
        end = None if within is None else monotonic() + within
        asked = _asked(image, question)
        loaded, prompt = asked.picture.load(), self._prompt(asked)
        tokens: Tokens = SimpleQueue()
        unwanted = Event()

        def watch(_: int, __: int, token_ids: Sequence[int], ended: bool) -> None:
            if unwanted.is_set():
                raise _Unwanted
            if not ended:
                tokens.put(tuple(token_ids))

        done = in_background(lambda: self._complete([prompt], [[0]], self._sampling(True), watch))
        done.add_done_callback(lambda _: tokens.put(None))
        try:
            while (token_ids := _next(tokens, end)) is not None:
                text = self.adapter.decode(token_ids)
                said = settled(text.rstrip("\ufffd"))
                partial = Completion(token_ids, said, truncated=False)
                yield self._answer(asked, loaded, prompt, partial)
            ((completion,),) = done.result()
            yield self._answer(asked, loaded, prompt, completion)
        finally:
            unwanted.set()

    def attention(self, answer: Answer, number: int) -> np.ndarray:
        """Where the model looked while it first wrote a box: [rows, columns] over the picture.

        As in figure 5 averaged over layers, heads and the box's tokens. The sum is the share of all
        attention that the picture got.

        Args:
            answer: of this model.
            number: of the box, as in ``answer.numbered``.

        Raises:
            KeyError: the answer has no such box.
        """
        span = answer.chain.span(number)
        prompt = self._prompt(_asked(answer.image, answer.question))
        with self._lock, autocast(self.config.trainer.precision, self.device):
            return box_attention(prompt, answer.completion, span, self.adapter, answer.written)

    def answered(
        self,
        questions: Sequence[Asked],
        count: int = 1,
        *,
        greedy: bool | None = None,
        seed: int = 0,
        watch: Watch | None = None,
    ) -> Iterator[list[Answer]]:
        """``count`` answers to each question, one question after another.

        Args:
            questions: about images.
            count: of each.
            greedy: the likeliest token each time; None: for a single answer.
            seed: of answers that are drawn.
            watch: is told of each token, with the index of its question.

        Raises:
            GritError: an image cannot be read, or a prompt is too long; before any is answered.
        """
        samples = [asked.sample() for asked in questions]
        self._check_lengths(samples)
        sampling = self._sampling(count == 1 if greedy is None else greedy)
        start = 0
        encoded = (self.prompting.encode(each, self.adapter) for each in samples)
        for prompts in parts_of(encoded, AT_A_TIME):
            part = range(start, start + len(prompts))
            seeds = [
                [seed_for("inference", seed, samples[at].id, k) for k in range(count)]
                for at in part
            ]
            told = None if watch is None else _shifted(watch, start)
            groups = self._complete(prompts, seeds, sampling, told)
            for at, prompt, group in zip(part, prompts, groups, strict=True):
                image = questions[at].picture.load()
                yield [
                    self._answer(questions[at], image, prompt, completion, number)
                    for number, completion in enumerate(group, start=1)
                ]
            start = part.stop

    def _complete(
        self,
        prompts: Sequence[EncodedPrompt],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        watch: Watch | None,
    ) -> list[list[Completion]]:
        with self._lock, autocast(self.config.trainer.precision, self.device):
            return self.engine.sample(prompts, seeds, sampling, watch)

    def _sampling(self, greedy: bool) -> Sampling:
        settings = self.config.evaluation
        temperature = 0.0 if greedy else settings.temperature
        return Sampling(temperature=temperature, max_new_tokens=settings.max_new_tokens)

    def _prompt(self, asked: Asked) -> EncodedPrompt:
        sample = asked.sample()
        self._check_lengths([sample])
        return self.prompting.encode(sample, self.adapter)

    def _check_lengths(self, samples: Sequence[Sample]) -> None:
        config = self.config
        limit = PromptLimit.of(
            self.adapter,
            max_new_tokens=config.evaluation.max_new_tokens,
            setting="evaluation.max_new_tokens",
            max_prompt_tokens=config.data.max_prompt_tokens,
        )
        limit.check(samples, self._lengths)

    def _answer(
        self,
        asked: Asked,
        image: Image.Image,
        prompt: EncodedPrompt,
        completion: Completion,
        number: int = 1,
    ) -> Answer:
        return Answer(
            question=asked.question,
            completion=completion.text,
            image=image,
            box_space=prompt.space,
            name=asked.image,
            tagged=self.config.method.tagged_answer,
            truncated=completion.truncated,
            sample=number,
            tokens=len(completion.token_ids),
            truth=asked.truth,
            written=written_text(completion.token_ids, self.adapter),
        )


def _next(tokens: Tokens, end: float | None) -> tuple[int, ...] | None:
    """What comes next; raises TimeoutError if nothing does until ``end``, of time.monotonic()."""
    if end is None:
        return tokens.get()
    try:
        return tokens.get(timeout=max(end - monotonic(), 0))
    except Empty:
        raise TimeoutError from None


def _asked(image: Picture, question: str) -> Asked:
    if isinstance(image, Image.Image):
        return Asked("", Canvas(image), question)
    return Asked(str(image), Photograph(Path(image)), question)


def _shifted(watch: Watch, start: int) -> Callable[[int, int, Sequence[int], bool], None]:
    return lambda place, *rest: watch(start + place, *rest)
