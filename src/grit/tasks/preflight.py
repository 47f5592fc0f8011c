"""What is looked at before a model is loaded, so that nothing is found late."""

import importlib.util
from collections.abc import Sequence

import torch

from grit.config.schema import Config
from grit.core import processes
from grit.core.errors import GritError
from grit.data.samples import Sample
from grit.judge.judge import Judge, meet
from grit.models.adapter import Adapter
from grit.models.prompt_limits import PromptLengths, PromptLimit
from grit.models.skeleton import load_skeleton
from grit.rewards.reward import Reward
from grit.tasks.parts import make_prompting
from grit.tasks.questions import TestSet


def preflight(
    config: Config,
    device: torch.device,
    samples: Sequence[Sample],
    sets: Sequence[TestSet],
    judge: Judge,
    reward: Reward | None = None,
) -> None:
    """Look at all that a run needs but the weights.

    Args:
        config: of the run.
        device: where it will compute.
        samples: the training triplets.
        sets: the test sets.
        judge: who scores; a service is asked one question.
        reward: of GRPO-GR; its terms are rehearsed.

    Raises:
        GritError: the first thing that cannot work.
    """
    if reward is not None:
        reward.rehearse()
    check_device(config, device)
    check_prompts(config, make_skeleton(config), samples, sets)
    if processes.rank() == 0:
        meet(judge)


def make_skeleton(config: Config) -> Adapter:
    """The model of the configuration without its weights."""
    model = config.model
    adapter = load_skeleton(model.path, revision=model.revision, image=model.image)
    adapter.prompt_form = model.prompt
    return adapter


def check_prompts(
    config: Config, adapter: Adapter, samples: Sequence[Sample], sets: Sequence[TestSet]
) -> None:
    """Raise GritError for a prompt that is longer than the model or the configuration allows."""
    lengths = PromptLengths(adapter, make_prompting(config))
    allowed = {"max_prompt_tokens": config.data.max_prompt_tokens}
    drawn, greedy = config.training.sampling.max_new_tokens, config.evaluation.max_new_tokens
    if config.method.learns:
        setting = "training.sampling.max_new_tokens"
        limit = PromptLimit.of(adapter, max_new_tokens=drawn, setting=setting, **allowed)
        limit.check(samples, lengths)
    limit = PromptLimit.of(
        adapter, max_new_tokens=greedy, setting="evaluation.max_new_tokens", **allowed
    )
    for found in sets:
        limit.check(found.samples, lengths)


def check_device(config: Config, device: torch.device) -> None:
    """Raise GritError for what the device cannot do."""
    decode, attention = config.training.decode, config.model.attention
    if decode == "captured" and device.type != "cuda":
        raise GritError(
            f"training.decode=captured: the model is on the {device.type} and CUDA graphs need an "
            "NVIDIA GPU; dynamic, static and compiled do not"
        )
    if attention == "flash_attention_2":
        if device.type != "cuda":
            raise GritError(
                f"model.attention=flash_attention_2 needs an NVIDIA GPU, and the model is on the "
                f"{device.type}; use sdpa"
            )
        if importlib.util.find_spec("flash_attn") is None:
            raise GritError(
                "model.attention=flash_attention_2 needs the package flash_attn, which is not "
                "installed; use sdpa"
            )
    learns = config.method.learns
    if attention == "flex_attention" and learns and device.type == "cpu":
        raise GritError(
            "model.attention=flex_attention learns on a GPU only: torch has no such backward pass "
            "for the CPU; use sdpa"
        )
