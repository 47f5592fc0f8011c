"""Estimates for ``task=check``, from a configuration and its model's shapes, without weights."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from grit.config.schema import Config
from grit.data.samples import Sample
from grit.data.suites import TestSet
from grit.data.taught_traces import taught_trace
from grit.grounding.boxes import Box
from grit.judge.settings import ServiceJudgeSettings
from grit.models.adapter import Adapter
from grit.models.prompt_limits import PromptLengths
from grit.models.prompting import Prompting
from grit.models.setup import make_trainable
from grit.rollout.engine import STOP, Engine
from grit.runs.recomputing import recomputed_layers
from grit.training.costs import GPUS, Load, Sizes, memory, seconds
from grit.training.sft import trace_style_of

TOKENS_OF_A_JUDGEMENT = 210, 10  # input and output: the prompt with a short answer, a score


def vocabulary(adapter: Adapter) -> dict[str, Any]:
    """The fields of check.json on the vocabulary: forbidden, end and stop tokens, a box."""
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


def prompts(
    config: Config, adapter: Adapter, samples: Sequence[Sample], asked: Sequence[Sample]
) -> dict[str, Any]:
    """The fields of check.json on prompts: their lengths, and some prompts in full.

    Args:
        config: of the run.
        adapter: of the run's model, which needs no weights.
        samples: the training triplets.
        asked: the training triplets followed by the test questions.
    """
    prompting = Prompting(config.method.suffix, config.method.example)
    lengths = PromptLengths(adapter, prompting)
    tokens = [lengths.of(sample) for sample in asked]
    shown = [_shown(prompting, adapter, sample) for sample in asked[: config.check.rows]]
    return {
        "box_space": shown[0]["space"]["name"],
        "prompt_tokens": {"mean": fmean(tokens), "max": max(tokens)},
        "questions": {"training": len(samples), "test": len(asked) - len(samples)},
        "prompts": shown,
    }


def _shown(prompting: Prompting, adapter: Adapter, sample: Sample) -> dict[str, Any]:
    """A prompt as the model reads it, and the round trip of a box through the model's space."""
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


def _there_and_back(sample: Sample, there: Box) -> dict[str, list[float]]:
    written: list[float] = [round(corner) for corner in there.corners]
    left, top, right, bottom = written
    back = Box(left, top, right, bottom, there.space).to(sample.space)
    assert sample.boxes
    return {
        "annotated": list(sample.boxes[0].corners),
        "written": written,
        "read": [round(corner, 1) for corner in back.corners],
    }


def costs(
    config: Config,
    adapter: Adapter,
    samples: Sequence[Sample],
    sets: Sequence[TestSet],
    dev: Sequence[TestSet],
) -> dict[str, Any]:
    """Memory in GB, and seconds of steps, evaluations and validations, on ``check.gpu``.

    Args:
        config: of the run.
        adapter: of the run's model; it is made trainable (LoRA, freezing) if the method learns.
        samples: the training triplets, or the test questions if nothing is trained.
        sets: the test sets.
        dev: the sets that training is validated on.
    """
    learns, gpu = config.method.learns, GPUS[config.check.gpu]
    if learns:
        make_trainable(adapter, config.model)
    sizes, load = sizes_of(config, adapter), step_load(config, adapter, samples)
    load = replace(load, recomputed_layers=recomputed_layers(config, sizes, load, gpu.memory))
    asking = _asking(config, load, sets, 1 + config.evaluation.samples)
    validating = _asking(config, load, dev, 1)

    def lasting(asked: Load) -> int | None:
        return round(seconds(sizes, asked, gpu)) if asked.rollouts and not load.by_servers else None

    return {
        "gpu": config.check.gpu,
        "devices": load.devices,
        "parameters": sizes.language + sizes.vision,
        "learning": sizes.learning if learns else 0,
        "recomputed_layers": load.recomputed_layers if learns else 0,
        "memory_gb": memory(sizes, load if learns else asking),
        "steps": config.trainer.max_steps if learns else 0,
        "seconds_per_step": round(seconds(sizes, load, gpu), 1) if learns else None,
        "seconds_per_evaluation": lasting(asking),
        "seconds_per_validation": lasting(validating),
        "validations": _validations(config) if dev else 0,
        "sampling_counted": not load.by_servers,
    }


def _asking(config: Config, load: Load, sets: Sequence[TestSet], completions: int) -> Load:
    """The work of asking the questions of ``sets``, which are asked by parts, set by set."""
    shares = [math.ceil(len(test_set.samples) / load.devices) for test_set in sets]
    parts = sum(math.ceil(share / Engine.prompts_at_a_time) for share in shares)
    return replace(
        load,
        prompts=math.ceil(sum(shares) / max(parts, 1)),
        completions=completions,
        new_tokens=config.evaluation.max_new_tokens,
        learns=False,
        copied_reference=False,
        samples=True,
        rollouts=parts,
    )


def _validations(config: Config) -> int:
    every = config.evaluation.every
    return config.trainer.max_steps // every if config.method.learns and every else 0


def sizes_of(config: Config, adapter: Adapter) -> Sizes:
    """The sizes of a run's model, with or without its weights."""
    return Sizes.of(
        adapter,
        bytes_of_weight=2 if config.model.dtype == "bfloat16" else 4,
        autocast=config.trainer.precision == "bf16-mixed",
    )


def step_load(config: Config, adapter: Adapter, samples: Sequence[Sample]) -> Load:
    """The work of a device in a training step, or in asking, without gradient checkpointing."""
    lengths = PromptLengths(adapter, Prompting(config.method.suffix, config.method.example))
    tokens = [lengths.of(sample) for sample in samples]
    training, trainer = config.training, config.trainer
    devices = trainer.devices * trainer.num_nodes
    load = Load(
        prompts=training.prompts_per_step // devices,
        completions=1,
        prompt_tokens=fmean(tokens),
        longest_prompt=max(tokens),
        image_tokens=fmean(map(lengths.of_picture, samples)),
        new_tokens=config.rollout.sampling.max_new_tokens,
        learns=config.method.learns,
        reference=False,
        copied_reference=False,
        recomputed_layers=0,
        tokens_per_batch=config.rollout.tokens_per_batch,
        tokens_per_pass=training.tokens_per_pass,
        tokens_per_chunk=training.tokens_per_chunk,
        devices=devices,
        strategy=trainer.strategy,
        by_servers=config.rollout.name == "vllm",
    )
    match config.method.training:
        case "sft":
            style = trace_style_of(training.sft, adapter)
            traces = [taught_trace(sample, sample.space, style) for sample in samples]
            longest = max(len(adapter.row_text.trace_ids(trace)) for trace in traces)
            return replace(load, samples=False, new_tokens=longest + 1)  # its end
        case "grpo_gr":
            reference, perception = training.beta > 0, training.perception
            before = training.updates_per_rollout > 1 or perception.top_share is not None
            return replace(
                load,
                completions=training.group_size,
                reference=reference,
                copied_reference=reference and config.model.adaptation == "full",
                rollouts=1 + training.objective.dynamic_sampling,
                updates=training.updates_per_rollout,
                scored=before + perception.active,
            )
    return load


def judging(config: Config, sets: Sequence[TestSet], dev: Sequence[TestSet]) -> dict[str, Any]:
    """The maximum number of judged answers and its cost in the prices' currency, without cache."""
    learns, when = config.method.learns, config.evaluation
    calls = _judged(sets) * (when.before_training + when.after_training if learns else 1)
    calls *= 1 + when.samples
    calls += _judged(dev) * _validations(config)
    if config.method.training == "grpo_gr":
        training = config.training
        turns = 1 + training.objective.dynamic_sampling
        calls += config.trainer.max_steps * training.prompts_per_step * training.group_size * turns
    if not isinstance(config.judge, ServiceJudgeSettings):
        return {"judge": config.judge.name, "judge_calls": 0, "judge_cost": 0.0}
    price = (config.judge.prices or {}).get(config.judge.model)
    asked, said = TOKENS_OF_A_JUDGEMENT
    cost = None if price is None else calls * (asked * price.input + said * price.output) / 1e6
    return {"judge": config.judge.model, "judge_calls": calls, "judge_cost": cost}


def _judged(sets: Sequence[TestSet]) -> int:
    """Questions that are answered in words."""
    return sum(not sample.answer_is_box for each in sets for sample in each.samples)
