"""The evaluation loop: greedy completions for every question of a test set."""

from collections.abc import Sequence

from tqdm import tqdm

from grit.core import processes
from grit.data.samples import Sample
from grit.evaluation.predictions import Prediction
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling

QUESTIONS_AT_A_TIME = 64  # encoded prompts in memory at a time; results do not depend on it


def answer(
    adapter: Adapter,
    sampler: Sampler,
    prompting: Prompting,
    name: str,
    samples: Sequence[Sample],
    *,
    max_new_tokens: int,
    progress: bool = True,
) -> list[Prediction]:
    """Greedy completions of the model for each question of the set ``name``.

    Questions are sharded over the ranks and the predictions gathered: every rank returns all of
    them, in the order of ``samples``.
    """
    greedy = Sampling(temperature=0.0, max_new_tokens=max_new_tokens)
    rows = range(processes.rank(), len(samples), processes.count())  # this rank's questions
    predictions: list[Prediction] = []
    with tqdm(total=len(rows), desc=name, unit="question", disable=not progress) as bar:
        for start in range(0, len(rows), QUESTIONS_AT_A_TIME):
            part = rows[start : start + QUESTIONS_AT_A_TIME]
            asked = [samples[row] for row in part]
            prompts = [prompting.encode(sample, adapter) for sample in asked]
            completions = sampler.sample(prompts, [[0]] * len(prompts), greedy)
            predictions += [
                Prediction.of(sample, group[0].text, set=name, row=row, spoken=prompt.space)
                for row, sample, prompt, group in zip(
                    part, asked, prompts, completions, strict=True
                )
            ]
            bar.update(len(part))
    everything = [prediction for each in processes.gathered(predictions) for prediction in each]
    return sorted(everything, key=lambda prediction: prediction.row)
