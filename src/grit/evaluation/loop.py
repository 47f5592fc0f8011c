"""The evaluation loop: completions, greedy or sampled, for every question of a test set."""

from collections.abc import Callable, Sequence
from functools import partial

from grit.core import processes
from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.evaluation.predictions import Prediction
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting
from grit.models.written_text import written_text
from grit.rollout.engine import Engine
from grit.rollout.parts import parts_of
from grit.rollout.settings import Sampling


def answer(
    adapter: Adapter,
    engine: Engine,
    prompting: Prompting,
    name: str,
    samples: Sequence[Sample],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    count: int = 1,
    progress: Callable[[int], object] | None = None,
) -> list[Prediction]:
    """Completions of the model for each question of the set ``name``.

    Questions are sharded over the ranks and the predictions gathered: every rank returns all of
    them, in the order of ``samples``.

    Args:
        adapter: of the model.
        engine: that completes prompts.
        prompting: how a question is put.
        name: of the set.
        samples: its questions.
        max_new_tokens: a completion that reaches it is truncated.
        temperature: 0 for greedy completions. Others are seeded by set, question and number alone:
            models that are compared draw the same random numbers, whatever the run's seed is.
        count: completions of each question, which follow each other in the result.
        progress: is told of how many more questions this rank has answered.
    """
    sampling = Sampling(temperature=temperature, max_new_tokens=max_new_tokens)
    rows = range(processes.rank(), len(samples), processes.world_size())  # this rank's questions

    def mine() -> list[Prediction]:
        predictions: list[Prediction] = []
        start = 0
        encoded = (prompting.encode(samples[row], adapter) for row in rows)
        for prompts in parts_of(encoded, engine.prompts_at_a_time):
            part = rows[start : start + len(prompts)]
            start += len(prompts)
            asked = [samples[row] for row in part]
            seeds = [
                [seed_for("evaluation", name, sample.id, k) for k in range(count)]
                for sample in asked
            ]
            completions = engine.sample(prompts, seeds, sampling)
            for row, sample, prompt, group in zip(part, asked, prompts, completions, strict=True):
                of = partial(Prediction.of, sample, set=name, row=row, box_space=prompt.space)
                for said in group:
                    written = written_text(said.token_ids, adapter)
                    predictions.append(of(said.text, written=written))
            if progress is not None:
                progress(len(part))
        return predictions

    ranks = processes.all_gather(processes.fail_together(mine))  # an engine may fail on one of them
    everything = [prediction for each in ranks for prediction in each]
    return sorted(everything, key=lambda prediction: prediction.row)
