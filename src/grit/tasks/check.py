"""``task=check``: what a run would be and cost, before anyone rents a GPU; needs no weights."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.files import write_json
from grit.data.samples import Sample
from grit.data.suites import TestSet, test_sets
from grit.data.triplets import training_samples
from grit.judge.judge import meet
from grit.judge.making import make_judge
from grit.judge.settings import ServiceJudgeSettings
from grit.models.adapter import Adapter
from grit.models.prompt_limits import PromptLengths
from grit.models.setup import make_adapter, make_skeleton, make_trainable
from grit.pages.inspection import print_inspection
from grit.rewards.reward import reward_from
from grit.rollout.sampler import STOP
from grit.runs.preflight import check_prompts
from grit.training.costs import GPUS, Load, Sizes, memory, seconds
from grit.training.device import check_device, prepare_device
from grit.training.methods import prompting_of
from grit.training.sft import taught_rows

log = logging.getLogger(__name__)
TOKENS_OF_A_JUDGEMENT = 210, 10  # asked and answered: the prompt with a short answer, a score


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Print one table, write ``check.json``.

    Raises:
        GritError: the run would not start; the table and the file are there all the same.
    """
    if config.check.gpu not in GPUS:
        raise GritError(f"check.gpu={config.check.gpu}: there are {', '.join(GPUS)}")
    problems = Problems()
    samples, sets = _questions(config, problems)
    _others(config, samples, problems)
    found: dict[str, Any] = {"model": config.model.name, "path": config.model.path}
    adapter = None
    with problems.noted():
        adapter = make_skeleton(config.model)
    if adapter is not None:
        found |= _vocabulary(adapter)
        with problems.noted():
            check_prompts(config, adapter, samples, sets)
        asked = [*samples, *(sample for each in sets for sample in each.samples)]
        if asked:
            found |= _prompts(config, adapter, samples, asked)
            with problems.noted():
                found |= _costs(config, adapter, samples or asked, len(asked) - len(samples))
    found |= _judging(config, sets)
    if config.check.weights and not problems:
        with problems.noted():
            make_adapter(config.model, learning=False)
    found["problems"] = problems
    write_json(folder / "check.json", found)
    print_inspection(found)
    log.info("%s", folder / "check.json")
    if problems:
        more = f" (and {len(problems) - 1} more: {folder / 'check.json'})" if problems[1:] else ""
        raise GritError(f"{problems[0]}{more}")


class Problems(list[str]):
    """Lines that say why a run would not start."""

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what goes wrong, and go on."""
        try:
            yield
        except GritError as error:
            self.append(str(error))


def _questions(config: Config, problems: Problems) -> tuple[list[Sample], list[TestSet]]:
    samples: list[Sample] = []
    sets: list[TestSet] = []
    if config.method.learns:
        with problems.noted():
            samples = training_samples(config.data, config.suite.root)
            if config.method.training == "sft":
                samples = taught_rows(
                    config.training.sft, samples, method=config.method.name, data=config.data.name
                ).samples
    with problems.noted():
        sets = test_sets(config.suite)
    return samples, sets


def _others(config: Config, samples: Sequence[Sample], problems: Problems) -> None:
    """Reward, judge and device."""
    with problems.noted():
        reward = reward_from(config.reward)
        if config.method.training == "grpo_gr":
            reward.rehearse()
            reward.check(samples)
    with problems.noted():
        meet(make_judge(config.judge))
    with problems.noted():
        check_device(
            prepare_device(config.trainer, config.threads),
            decode=config.training.decode,
            attention=config.model.attention,
            learns=config.method.learns,
        )


def _vocabulary(adapter: Adapter) -> dict[str, Any]:
    tokenizer, forbidden = adapter.tokenizer, adapter.forbidden_ids.tolist()
    box = "[12, 345, 678, 910]"
    shown = tokenizer(box, add_special_tokens=False)["input_ids"]
    return {
        "family": adapter.plain.config.model_type,
        "vocabulary": adapter.plain.lm_head.weight.shape[0],
        "forbidden_ids": {"n": len(forbidden), "max": max(forbidden, default=None)},
        "end_ids": sorted(adapter.end_ids),
        "end_tokens": [tokenizer.decode([id_]) for id_ in sorted(adapter.end_ids)],
        "stop_tokens": tokenizer(STOP, add_special_tokens=False)["input_ids"],
        "box_tokens": [tokenizer.decode([id_]) for id_ in shown],
    }


def _prompts(
    config: Config, adapter: Adapter, samples: Sequence[Sample], asked: Sequence[Sample]
) -> dict[str, Any]:
    lengths = PromptLengths(adapter, prompting_of(config.method))
    tokens = [lengths.of(sample) for sample in asked]
    shown = [_shown(config, adapter, sample) for sample in asked[: config.check.rows]]
    return {
        "box_space": shown[0]["space"]["name"],
        "prompt_tokens": {"mean": fmean(tokens), "max": max(tokens)},
        "questions": {"training": len(samples), "test": len(asked) - len(samples)},
        "prompts": shown,
    }


def _shown(config: Config, adapter: Adapter, sample: Sample) -> dict[str, Any]:
    """A prompt as the model reads it, and a box of the image there and back."""
    prompting = prompting_of(config.method)
    prompt = prompting.encode(sample, adapter)
    boxes = sample.boxes or ()
    there = boxes[0].to(prompt.space) if boxes else None
    width, height = int(sample.space.width), int(sample.space.height)
    pixels = prompt.vision["pixel_values"]
    return {
        "id": sample.id,
        "image": [width, height],
        "image_tokens": adapter.image_tokens(width, height),
        "tiles": len(pixels) if pixels.dim() == 4 else None,
        "tokens": len(prompt.input_ids),
        "space": {
            "name": prompt.space.name,
            "width": prompt.space.width,
            "height": prompt.space.height,
        },
        "box": None if there is None else _there_and_back(sample, there),
        "text": adapter.rendered(prompting.text(sample.question, adapter)),
    }


def _there_and_back(sample: Sample, there: Any) -> dict[str, list[float]]:
    written = [round(corner) for corner in there.corners]
    back = type(there)(*written, there.space).to(sample.space)
    assert sample.boxes
    return {
        "annotated": list(sample.boxes[0].corners),
        "written": written,
        "read": [round(corner, 1) for corner in back.corners],
    }


def _costs(
    config: Config, adapter: Adapter, samples: Sequence[Sample], questions: int
) -> dict[str, Any]:
    learns = config.method.learns
    lengths = PromptLengths(adapter, prompting_of(config.method))
    tokens = [lengths.of(sample) for sample in samples]
    images = [
        adapter.image_tokens(int(sample.space.width), int(sample.space.height))
        for sample in samples
    ]
    if learns:
        make_trainable(adapter, config.model)
    sizes = Sizes.of(adapter, bytes_of_weight=2 if config.model.dtype == "bfloat16" else 4)
    training = config.training
    reference = config.method.training == "grpo_gr" and training.beta > 0
    load = Load(
        prompts=training.prompts_per_step,
        completions=training.group_size if config.method.training == "grpo_gr" else 1,
        prompt_tokens=fmean(tokens),
        longest_prompt=max(tokens),
        image_tokens=fmean(images),
        new_tokens=training.sampling.max_new_tokens,
        learns=learns,
        reference=reference,
        copied_reference=reference and config.model.adaptation == "full",
        checkpointing=config.model.gradient_checkpointing,
        tokens_per_rollout_batch=training.tokens_per_rollout_batch,
        tokens_per_pass=training.tokens_per_pass,
        tokens_per_chunk=training.tokens_per_chunk,
    )
    gpu = GPUS[config.check.gpu]
    asking = replace(
        load,
        prompts=questions,
        completions=1,
        new_tokens=config.evaluation.max_new_tokens,
        learns=False,
        copied_reference=False,
    )
    return {
        "gpu": config.check.gpu,
        "parameters": sizes.language + sizes.vision,
        "learning": sizes.learning if learns else 0,
        "memory_gb": memory(sizes, load if learns else asking),
        "steps": config.trainer.max_steps if learns else 0,
        "seconds_per_step": round(seconds(sizes, load, gpu), 1) if learns else None,
        "seconds_per_evaluation": round(seconds(sizes, asking, gpu)) if questions else None,
    }


def _judging(config: Config, sets: Sequence[TestSet]) -> dict[str, Any]:
    """How many answers are judged at most, and what that costs; the cache saves some."""
    questions = sum(not s.answer_is_box for each in sets for s in each.samples)
    learns, when = config.method.learns, config.evaluation
    calls = questions * (when.before_training + when.after_training if learns else 1)
    if config.method.training == "grpo_gr":
        training = config.training
        calls += config.trainer.max_steps * training.prompts_per_step * training.group_size
    if not isinstance(config.judge, ServiceJudgeSettings):
        return {"judge": config.judge.name, "judge_calls": 0, "judge_cost": 0.0}
    price = (config.judge.prices or {}).get(config.judge.model)
    asked, said = TOKENS_OF_A_JUDGEMENT
    cost = None if price is None else calls * (asked * price.input + said * price.output) / 1e6
    return {"judge": config.judge.model, "judge_calls": calls, "judge_cost": cost}
