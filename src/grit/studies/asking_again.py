"""A run's model asked again: the same question about another picture, from nothing or a chain."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from grit.data.samples import Picture
from grit.evaluation.predictions import Prediction
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.prompting import Prompting
from grit.rollout.engine import Engine
from grit.rollout.engines import engine_of
from grit.rollout.settings import RolloutSettings, Sampling
from grit.rollout.vllm_command import Served
from grit.runs.finished import FinishedRun
from grit.studies.attention_prefixes import extended
from grit.studies.faithfulness_study import Answers
from grit.studies.kept_chains import kept_ids, whole
from grit.training.device import autocast

PICTURES_AT_A_TIME = 64  # encoded prompts in memory at a time; results do not depend on it


@contextmanager
def asking(run: FinishedRun, rollout: RolloutSettings, folder: Path) -> Iterator["Asking"]:
    """A run's model, asked by the engine of ``rollout``; the native one as its run had it.

    Args:
        run: whose model is loaded.
        rollout: of the command that asks.
        folder: for the log of a server that is started.

    Raises:
        GritError: the model is missing, or a server cannot be started or asked.
    """
    adapter = run.adapter()
    if rollout.name == "native":
        tokens = min(rollout.tokens_per_batch, run.settings.rollout.tokens_per_batch)
        rollout = replace(run.settings.rollout, name="native", tokens_per_batch=tokens)
    with engine_of(adapter, rollout, Served(run.settings.model), folder) as engine:
        yield Asking(run, adapter, engine)


@dataclass(frozen=True)
class Asking:
    """A run's model, and how its evaluation has asked it."""

    run: FinishedRun
    adapter: Adapter
    engine: Engine

    def __call__(self, asked: Sequence[tuple[Prediction, Picture]]) -> list[Answers]:
        """Greedy completions of each question about the picture beside it, in both ways.

        The kept chain is that of the prediction; the completion has it, too. It may have as many
        tokens as one from the question alone. Every completion depends on its question and picture
        alone.
        """
        precision = self.run.settings.trainer.precision
        answers: list[Answers] = []
        with autocast(precision, self.adapter.device):
            for start in range(0, len(asked), PICTURES_AT_A_TIME):
                answers += self._answers(asked[start : start + PICTURES_AT_A_TIME])
        return answers

    def _answers(self, asked: Sequence[tuple[Prediction, Picture]]) -> list[Answers]:
        most = self.run.settings.evaluation.max_new_tokens
        prompts = [self._prompt(*each) for each in asked]
        kept = [kept_ids(prediction.as_written, self.adapter) for prediction, _ in asked]
        longer = [
            extended(prompt, ids)
            for prompt, ids in zip(prompts, kept, strict=True)
            if ids is not None
        ]
        everything = [*prompts, *longer]
        greedy = Sampling(temperature=0.0, max_new_tokens=most)
        said = self.engine.sample(everything, [[0]] * len(everything), greedy)
        of_question = [completion.text for (completion,) in said[: len(prompts)]]
        rest = iter(said[len(prompts) :])
        of_chain = [
            None if ids is None else whole(ids, next(rest)[0].token_ids, most, self.adapter)
            for ids in kept
        ]
        return [
            {"question": question, "chain": chain}
            for question, chain in zip(of_question, of_chain, strict=True)
        ]

    def _prompt(self, prediction: Prediction, picture: Picture) -> EncodedPrompt:
        method = self.run.settings.method
        sample = replace(self.run.sample(prediction), picture=picture)
        return Prompting(method.suffix, method.example).encode(sample, self.adapter)
