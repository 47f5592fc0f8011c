"""Greedy answers of a model to every question of a test set."""

from collections.abc import Sequence

from tqdm import tqdm

from grit.data.samples import Sample
from grit.evaluation.predictions import Prediction
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting
from grit.rollout.choice import Sampling
from grit.rollout.sampler import Sampler

QUESTIONS_AT_A_TIME = 64  # encoded prompts alive at a time; results do not depend on it


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
    """What the model says, greedily, to each question of the set ``name``."""
    greedy = Sampling(temperature=0.0, max_new_tokens=max_new_tokens)
    predictions: list[Prediction] = []
    with tqdm(total=len(samples), desc=name, unit="question", disable=not progress) as bar:
        for start in range(0, len(samples), QUESTIONS_AT_A_TIME):
            part = samples[start : start + QUESTIONS_AT_A_TIME]
            prompts = [prompting.encode(sample, adapter) for sample in part]
            completions = sampler.sample(prompts, [[0]] * len(prompts), greedy)
            for sample, prompt, group in zip(part, prompts, completions, strict=True):
                row = len(predictions)
                predictions.append(
                    Prediction.of(sample, group[0].text, set=name, row=row, spoken=prompt.space)
                )
            bar.update(len(part))
    return predictions
