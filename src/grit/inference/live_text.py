"""Chains on the terminal as they are written, one after another however they are sampled."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from grit.figures.markup import legible
from grit.inference.answers import Answer
from grit.inference.questions import Asked

_UNFINISHED = "\ufffd"  # stands where a character has tokens that are not sampled yet


class LiveText:
    """Prints completions in the order of questions and samples.

    The first that has not ended is printed token by token; others, sampled in the same batch, are
    kept until it is their turn. Control characters of a terminal, which a model may write, are
    replaced, and so is what its encoding lacks. The sampling goes on when nobody reads any more.

    Args:
        questions: that are asked.
        count: answers to each.
        decode: the text of a completion's token ids.
        out: where to print; None: standard output.
    """

    def __init__(
        self,
        questions: Sequence[Asked],
        count: int,
        decode: Callable[[Sequence[int]], str],
        out: TextIO | None = None,
    ) -> None:
        self.questions, self.count, self.decode = questions, count, decode
        self.out = sys.stdout if out is None else out
        self._turn = 0  # place of the completion that is being printed: question * count + sample
        self._shown = ""  # of it
        self._begun = False
        self._waiting: dict[int, tuple[Sequence[int], bool]] = {}
        self._finished = 0  # completions that finish() was told of

    def watch(self, question: int, number: int, token_ids: Sequence[int], ended: bool) -> None:
        """Take note of a new token; see ``rollout.engine.Watch``."""
        self._waiting[question * self.count + number] = token_ids, ended
        while self._turn in self._waiting:
            ids, over = self._waiting[self._turn]
            self._show(self.decode(ids), whole=over)
            if not over:
                return
            self._next()

    def finish(self, answers: Iterable[Sequence[Answer]]) -> None:
        """Print of the next questions what has not been, such as completions that were cut off."""
        for answer in (answer for group in answers for answer in group):
            self._finished += 1
            if self._turn >= self._finished:
                continue
            self._show(answer.completion, whole=True)
            if answer.truncated:
                self._print(" ... stopped by evaluation.max_new_tokens")
            self._next()

    def _show(self, text: str, *, whole: bool) -> None:
        if not self._begun:
            self._begin()
        text = legible(text if whole else text.rstrip(_UNFINISHED))
        if text.startswith(self._shown):  # else a later token has changed an earlier character
            self._print(text[len(self._shown) :])
            self._shown = text

    def _begin(self) -> None:
        self._begun = True
        question, number = divmod(self._turn, self.count)
        if number == 0:
            asked = self.questions[question]
            truth = "" if asked.truth is None else f"  (the right answer: {asked.truth})"
            blank = "\n" if question else ""
            self._print(f"{blank}{legible(asked.image)}: {legible(asked.question)}{truth}\n")
        if self.count > 1:
            self._print(f"--- sample {number + 1} of {self.count}\n")

    def _next(self) -> None:
        self._print("\n")
        self._waiting.pop(self._turn, None)
        self._turn, self._shown, self._begun = self._turn + 1, "", False

    def _print(self, text: str) -> None:
        encoding = self.out.encoding or "utf-8"
        try:
            self.out.write(text.encode(encoding, "replace").decode(encoding))
            self.out.flush()
        except BrokenPipeError:  # `| head` has read enough; the answers' files are still to come
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())
