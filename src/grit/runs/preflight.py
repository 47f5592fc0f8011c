"""Checks before a model is loaded."""

import logging
from collections.abc import Iterator, Sequence

import torch

from grit.config.schema import Config
from grit.core import processes
from grit.core.errors import GritError
from grit.data.samples import Sample
from grit.data.suites import TestSet, check_not_tested, check_overlap, check_sets, test_sets
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.models.names import TINY
from grit.models.prompt_limits import PromptLengths, PromptLimit
from grit.models.prompting import Prompting
from grit.models.setup import make_skeleton
from grit.rewards.reward import Reward
from grit.rollout.engines import check_launch, check_weights_folder
from grit.training.device import check_device

log = logging.getLogger(__name__)


def dev_sets(config: Config, samples: Sequence[Sample], tests: Sequence[TestSet]) -> list[TestSet]:
    """The sets that training is validated on; none without validation.

    Raises:
        GritError: a set has no such file or kind, or has training scenes or test questions; there
            is nothing to score; or the triplets have photographs and all sets are drawn scenes.
    """
    if not (config.method.learns and config.evaluation.every):
        return []
    _check_same_world(config)
    check_sets("validation", config.validation)
    sets = test_sets(config.validation)
    check_overlap(config.validation, samples, sets)
    check_not_tested(config.validation, sets, tests)
    if not scored_by(sets)[1]:
        raise GritError(
            f"validation={config.validation.name}: there is nothing to score: all answers are "
            "boxes, which no judge reads, and no row has bboxs: give the rows bboxs, or validate "
            "on others: suite@validation=NAME"
        )
    return sets


def _check_same_world(config: Config) -> None:
    """Raise GritError where drawn scenes alone would choose the best training on photographs."""
    trained, asked = config.data.sources.values(), config.validation.sets.values()
    photographs = all(source.kind is None for source in trained)
    if photographs and asked and all(source.kind is not None for source in asked):
        raise GritError(
            f"data={config.data.name} has photographs, and validation={config.validation.name} "
            "drawn scenes alone, which say nothing of them: suite@validation=NAME names sets of "
            "photographs (own_dev: dev.jsonl in data.root), evaluation.every=0 validates nothing"
        )


def scored_by(sets: Sequence[TestSet]) -> tuple[str, list[str]]:
    """What a validation is scored by, which must be the same in all validations of a run.

    Args:
        sets: the dev sets.

    Returns:
        The metric, and the names of the sets that it is averaged over: ACC over those with answers
        in words, or, if there are none, GIoU over those with annotated boxes.
    """
    told = [each.name for each in sets if any(not s.answer_is_box for s in each.samples)]
    if told:
        return "acc", told
    return "giou", [each.name for each in sets if any(s.boxes for s in each.samples)]


def preflight(
    config: Config,
    device: torch.device,
    samples: Sequence[Sample],
    sets: Sequence[TestSet],
    judge: Judge,
    reward: Reward | None = None,
) -> None:
    """Check everything that a run needs except for the weights.

    Args:
        config: of the run.
        device: of the run.
        samples: the training triplets.
        sets: the test sets, and those of validation.
        judge: a service is asked one question.
        reward: of GRPO-GR; its terms are called once.

    Raises:
        GritError: for the first check that fails.
    """
    if reward is not None:
        reward.rehearse()
    if processes.rank() == 0:
        for warning in _warnings(config, device, rewarded=reward is not None):
            log.warning("%s", warning)
    check_device(device, config.model, config.rollout.decode)
    check_weights_folder(config.rollout)
    adapter = make_skeleton(config.model)
    check_launch(config.rollout, config.model)
    check_prompts(config, adapter, samples, sets)
    if processes.rank() == 0:
        judge.probe()


def _warnings(config: Config, device: torch.device, *, rewarded: bool) -> Iterator[str]:
    """What of a training is hardly meant so, and shows only much later."""
    photographs = any(source.kind is None for source in config.data.sources.values())
    if rewarded and photographs and config.judge.name == "rules":
        yield (
            "judge=rules: a strict text rule is the training's reward for answers about "
            "photographs; the paper's judge is judge=openai (docs/judging_by_rules.md)"
        )
    by_itself = config.trainer.accelerator == "auto" and device.type == "cpu"
    if by_itself and config.method.learns and not config.model.path.startswith(TINY):
        built = torch.version.cuda
        why = f"is the driver new enough for CUDA {built}?" if built else "it is built without CUDA"
        yield (
            f"{config.model.name} trains on the CPU: torch sees no GPU here ({why}); "
            "trainer.accelerator=cpu means it so"
        )


def check_prompts(
    config: Config, adapter: Adapter, samples: Sequence[Sample], sets: Sequence[TestSet]
) -> None:
    """Raise GritError for a prompt that is longer than the model or the configuration allows."""
    lengths = PromptLengths(adapter, Prompting(config.method.suffix, config.method.example))
    allowed = {"max_prompt_tokens": config.data.max_prompt_tokens}
    drawn, greedy = config.rollout.sampling.max_new_tokens, config.evaluation.max_new_tokens
    if config.method.learns:
        setting = "rollout.sampling.max_new_tokens"
        limit = PromptLimit.of(adapter, max_new_tokens=drawn, setting=setting, **allowed)
        limit.check(samples, lengths)
    limit = PromptLimit.of(
        adapter, max_new_tokens=greedy, setting="evaluation.max_new_tokens", **allowed
    )
    for test_set in sets:
        limit.check(test_set.samples, lengths)
