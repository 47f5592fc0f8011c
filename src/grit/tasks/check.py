"""``task=check``: checks a run and estimates its memory, time and cost, without weights."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.files import write_json
from grit.data.samples import Sample
from grit.data.suites import TestSet, check_overlap, check_sets, test_sets
from grit.data.triplets import training_samples
from grit.judge.making import make_judge
from grit.models.setup import make_adapter, make_skeleton
from grit.pages.inspection import print_inspection
from grit.rewards.reward import reward_from
from grit.rollout.engines import check_launch, check_weights_folder
from grit.runs import estimate
from grit.runs.early import check_packages
from grit.runs.preflight import check_prompts, dev_sets
from grit.training.costs import GPUS
from grit.training.device import check_device, prepare_device
from grit.training.sft import taught_rows

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Print a table and write ``check.json``.

    Raises:
        GritError: the run would not start; the table and the file are written before.
    """
    if config.check.gpu not in GPUS:
        raise GritError(f"check.gpu={config.check.gpu}: there are {', '.join(GPUS)}")
    problems = Problems()
    samples, sets, dev = _questions(config, problems)
    _others(config, samples, problems)
    found: dict[str, Any] = {"model": config.model.name, "path": config.model.path}
    adapter = None
    with problems.noted():
        adapter = make_skeleton(config.model)
    if adapter is not None:
        found |= estimate.vocabulary(adapter)
        with problems.noted():
            check_launch(config.rollout, config.model)
        with problems.noted():
            check_prompts(config, adapter, samples, [*sets, *dev])
        asked = [*samples, *(sample for test_set in sets for sample in test_set.samples)]
        if asked:
            found |= estimate.prompts(config, adapter, samples, asked)
            with problems.noted():
                found |= estimate.costs(config, adapter, samples or asked, sets, dev)
    found |= estimate.judging(config, sets, dev)
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
        """A context that appends the line of a GritError and continues after it."""
        try:
            yield
        except GritError as error:
            self.append(str(error))


def _questions(
    config: Config, problems: Problems
) -> tuple[list[Sample], list[TestSet], list[TestSet]]:
    """The training triplets, the test sets, and those of validation."""
    samples: list[Sample] = []
    sets: list[TestSet] = []
    dev: list[TestSet] = []
    if config.method.learns:
        with problems.noted():
            samples = training_samples(config.data, config.suite)
            if config.method.training == "sft":
                names = config.method.name, config.data.name
                samples, _ = taught_rows(samples, config.training.sft, *names)
    with problems.noted():
        check_sets("suite", config.suite)
        sets = test_sets(config.suite)
    with problems.noted():
        check_overlap(config.suite, samples, sets)
    with problems.noted():
        dev = dev_sets(config, samples, sets)
    return samples, sets, dev


def _others(config: Config, samples: Sequence[Sample], problems: Problems) -> None:
    """Check packages, the reward, the judge, the device and the engine's folder."""
    with problems.noted():
        check_packages(config)
    with problems.noted():
        reward = reward_from(config.reward)
        if config.method.training == "grpo_gr":
            reward.rehearse()
            reward.check(samples)
    with problems.noted():
        make_judge(config.judge).probe()
    with problems.noted():
        trainer = config.trainer
        if "WORLD_SIZE" not in os.environ:  # the run will be started by torchrun, the check is not
            trainer = replace(trainer, devices=1, num_nodes=1)
        device = prepare_device(trainer, config.threads)
        check_device(device, config.model, config.rollout.decode)
    with problems.noted():
        check_weights_folder(config.rollout)
