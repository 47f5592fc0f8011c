"""From a checked configuration to the objects that a run is made of."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image

from grit.data.jsonl import read_samples
from grit.data.mixtures import mix, shared_pictures
from grit.data.photographs import photograph_of, photographs_of_tests, read_coco_numbers
from grit.data.samples import Sample
from grit.data.shapes.source import ShapesSource
from grit.errors import GritError
from grit.judge.cache import ScoreCache
from grit.judge.judge import Judge
from grit.judge.rules import RulesJudge
from grit.judge.usage import Price
from grit.models.adapter import Adapter
from grit.models.features import MEBIBYTE, FeatureCache
from grit.models.loading import (
    Lora,
    add_lora,
    find_weights,
    freeze_vision,
    load_base,
    load_trained,
)
from grit.models.prompting import Prompting
from grit.reporting.gallery import PictureOf
from grit.rewards.reward import Reward, reward_from
from grit.rollout.choice import Sampling
from grit.schema import Adaptation, Config, ServiceJudgeConfig, SourceConfig, Training
from grit.training.learner import Learner, Optimization
from grit.training.module import GRPOGR, GRPOSettings
from grit.training.sft import FewShotSFT

if TYPE_CHECKING:
    from grit.judge.service import ServiceJudge

log = logging.getLogger(__name__)
COUNTS = (0, 1, 2, 3, 4)  # the answers that counting data is balanced over (GRIT.md section 3)


def make_reward(config: Config) -> Reward:
    """The reward that the configuration names."""
    terms = {name: (term.call, term.weight) for name, term in config.reward.terms.items()}
    return reward_from(terms, config.reward.counting_datasets)


def make_judge(config: Config) -> Judge:
    """The judge that the configuration names.

    Raises:
        GritError: there is no such judge, no key for its service, or its cache cannot be used.
    """
    judge = config.judge
    if isinstance(judge, ServiceJudgeConfig):
        return service_judge(judge)
    if judge.name != "rules":
        raise GritError(f"config: judge.name={judge.name} is no judge; there are: rules, openai")
    return RulesJudge()


def service_judge(judge: ServiceJudgeConfig) -> "ServiceJudge":
    """The judge behind a service; raises GritError like `make_judge`."""
    from grit.judge.service import Service, ServiceJudge  # a second that judge=rules need not pay

    service = Service(
        model=judge.model,
        base_url=judge.base_url,
        azure_api_version=judge.azure_api_version,
        temperature=judge.temperature,
        max_tokens=judge.max_tokens,
        attempts=judge.attempts,
        timeout=judge.timeout,
        total_timeout=judge.total_timeout,
        backoff=judge.backoff,
        prices={name: Price(p.input, p.output) for name, p in (judge.prices or {}).items()},
    )
    return ServiceJudge(
        service,
        in_flight=judge.in_flight,
        max_failure_rate=judge.max_failure_rate,
        cache=None if judge.cache is None else ScoreCache(Path(judge.cache).expanduser()),
        exact_match_first=judge.exact_match_first,
    )


def make_prompting(config: Config) -> Prompting:
    """How the method asks."""
    return Prompting(suffix=config.method.suffix, example=config.method.example)


def make_adapter(config: Config, *, learning: bool) -> Adapter:
    """The base model; with ``learning``, what does not learn is frozen and LoRA is in place."""
    model = config.model
    adapter = load_base(
        model.path,
        seed=model.seed,
        revision=model.revision,
        dtype=getattr(torch, model.dtype.value),
        attention=model.attention,
        image=model.image,
    )
    if learning:
        make_learn(adapter, config)
    if (model.freeze_vision or not learning) and config.training.feature_cache_mib:
        adapter.feature_cache = FeatureCache(config.training.feature_cache_mib * MEBIBYTE)
    return adapter


def make_learn(adapter: Adapter, config: Config) -> None:
    """Freeze what does not learn, put LoRA in, switch gradient checkpointing on."""
    model = config.model
    if model.freeze_vision:
        freeze_vision(adapter)
    if model.gradient_checkpointing:
        adapter.plain.gradient_checkpointing_enable({"use_reentrant": False})
    if model.adaptation is Adaptation.lora:
        lora = Lora(
            model.lora.rank, model.lora.alpha, model.lora.dropout, model.lora.target_modules
        )
        add_lora(adapter, lora, with_vision=not model.freeze_vision)


def load_checkpoint(adapter: Adapter, config: Config, checkpoint: Path) -> None:
    """Put trained weights into a base model that was loaded without ``learning``."""
    source = find_weights(checkpoint)
    if source.is_file() and config.model.adaptation is Adaptation.lora:
        make_learn(adapter, config)  # puts in what the file has weights for
    load_trained(adapter, source)


def make_optimization(config: Config) -> Optimization:
    """Optimiser, schedule and passes of the method's training."""
    training = config.training
    supervised = config.method.training is Training.sft
    return Optimization(
        max_steps=config.trainer.max_steps,
        learning_rate=training.sft.learning_rate if supervised else training.learning_rate,
        warmup_steps=training.warmup_steps,
        weight_decay=training.weight_decay,
        clip_norm=training.clip_norm,
        share_prompt=training.share_prompt,
        tokens_per_pass=training.tokens_per_pass,
        tokens_per_chunk=training.tokens_per_chunk,
        seed=config.seed,
        shard_optimizer=config.trainer.strategy == "zero1",
    )


def make_learner(config: Config, adapter: Adapter, reward: Reward, judge: Judge) -> Learner:
    """The LightningModule of the method's training."""
    prompting, optimization = make_prompting(config), make_optimization(config)
    if config.method.training is Training.sft:
        return FewShotSFT(adapter, prompting, optimization)
    return GRPOGR(adapter, prompting, reward, judge, make_settings(config), optimization)


def make_settings(config: Config) -> GRPOSettings:
    """The settings of GRPO-GR."""
    training = config.training
    sampling = training.sampling
    return GRPOSettings(
        group_size=training.group_size,
        beta=training.beta,
        epsilon=training.epsilon,
        ratio=training.ratio.value,
        delta=training.advantage.delta,
        sample_std=training.advantage.sample_std,
        updates_per_rollout=training.updates_per_rollout,
        sampling=Sampling(
            sampling.temperature, sampling.top_p, sampling.top_k, sampling.max_new_tokens
        ),
        tokens_per_rollout_batch=training.tokens_per_rollout_batch,
        share_prefill=training.share_prefill,
        compact_rollout=training.compact_rollout,
        seed=config.seed,
    )


@dataclass(frozen=True)
class TestSet:
    """The questions of one test set whose images are there."""

    name: str
    samples: Sequence[Sample]
    images_missing: int = 0
    skipped: str | None = None  # why there is nothing to ask


def pictures_of(sets: Sequence[TestSet]) -> PictureOf:
    """Finds the image of a test question by its set and id; None for a question of elsewhere."""
    pictures = {(found.name, s.id): s.picture for found in sets for s in found.samples}

    def picture_of(name: str, row: str) -> Image.Image | None:
        picture = pictures.get((name, row))
        return None if picture is None else picture.load()

    return picture_of


def check_overlap(config: Config, samples: Sequence[Sample], sets: Sequence[TestSet]) -> None:
    """Look for pictures that are both trained on and tested on, by content.

    Raises:
        GritError: a drawn test scene is among the training scenes. Real files are as they are
            (the paper's own share pictures), and only reported.
    """
    for found in sets:
        shared = shared_pictures(samples, found.samples)
        if shared and config.suite.sets[found.name].kind is not None:
            train, test = shared[0]
            raise GritError(f"test scene {test.id} is the training scene {train.id}; change a seed")
        if shared:
            log.info(
                "suite=%s: %s: %d test pictures are training pictures",
                config.suite.name,
                found.name,
                len(shared),
            )


def training_samples(config: Config) -> list[Sample]:
    """The training triplets, mixed from their sources.

    Raises:
        GritError: a file or its images are missing, a row is bad, or there are too few.
    """
    root = Path(config.data.root)
    sources: dict[str, Sequence[Sample]] = {}
    for name, source in config.data.sources.items():
        if source.kind is not None:
            sources[name] = ShapesSource(
                source.kind, source.split, source.rows or 0, config.data.seed
            )
            continue
        file, images = _files(root, source, name)
        if not file.is_file():
            raise GritError(
                f"data={config.data.name}: {file} is missing; python -m grit task=data gets it, or "
                "set data.root to the folder with the files of yfan1997/GRIT_data and its images"
            )
        found = read_samples(file, images, name=name)
        if found.missing_images:
            log.info(
                "%s: %d of %d images missing in %s", file, found.missing_images, found.rows, images
            )
        sources[name] = found.samples
    _leave_out_tested(config, sources)
    sizes = {name: source.rows for name, source in config.data.sources.items()}
    balanced = {name: COUNTS for name, s in config.data.sources.items() if s.balance_counts}
    return mix(sources, sizes, config.data.seed, balanced=balanced, total=config.data.total)


def _leave_out_tested(config: Config, sources: dict[str, Sequence[Sample]]) -> None:
    """Take samples whose photographs are in the paper's test sets out of the sources that ask."""
    apart = {n: s for n, s in config.data.sources.items() if s.apart_from_tests and s.file}
    if not apart:
        return
    root = Path(config.data.root)
    numbers = read_coco_numbers(root)
    tested = photographs_of_tests({root, Path(config.suite.root)}, numbers)
    for name, source in apart.items():
        folder = root / (source.images or name)
        kept = [s for s in sources[name] if photograph_of(s, folder, numbers) not in tested]
        left_out = len(sources[name]) - len(kept)
        if left_out:
            log.info("%s: %d rows left out: their photographs are test photographs", name, left_out)
        sources[name] = kept


def test_sets(config: Config) -> list[TestSet]:
    """The test sets of the suite; those that are not there are marked as skipped.

    Raises:
        GritError: a row is bad, or there is no question at all.
    """
    sets = find_sets(config)
    _announce(config, sets)
    if not any(found.samples for found in sets):
        raise GritError(
            f"suite={config.suite.name}: no test question has its image below {config.suite.root}; "
            "set suite.root (or data.root) to the folder with the test files and images, or "
            "choose suite=shapes"
        )
    return sets


def find_sets(config: Config) -> list[TestSet]:
    """The test sets of the suite, as far as they are there."""
    return [_test_set(config, name, source) for name, source in config.suite.sets.items()]


def _announce(config: Config, sets: Sequence[TestSet]) -> None:
    """Say in one line what will be asked; the notes under the results say what is missing."""
    asked = [f"{found.name} ({len(found.samples)})" for found in sets if not found.skipped]
    skipped = [found.name for found in sets if found.skipped]
    rest = f"; without images: {', '.join(skipped)}" if skipped else ""
    log.info("suite=%s: %s%s", config.suite.name, ", ".join(asked) or "nothing", rest)


def _test_set(config: Config, name: str, source: SourceConfig) -> TestSet:
    limit = config.suite.limit
    if source.kind is not None:
        rows = source.rows or 0
        samples: Sequence[Sample] = ShapesSource(
            source.kind, source.split, rows if limit is None else min(rows, limit)
        )
        return TestSet(name, samples)
    file, images = _files(Path(config.suite.root), source, name)
    if not file.is_file():
        return TestSet(name, [], skipped=f"{file} is missing")
    found = read_samples(file, images, name=name)
    if not found.samples:
        reason = f"all {found.rows} images are missing in {images}"
        return TestSet(name, [], found.missing_images, skipped=reason)
    return TestSet(name, found.samples[:limit], found.missing_images)


def _files(root: Path, source: SourceConfig, name: str) -> tuple[Path, Path]:
    assert source.file is not None
    return root / source.file, root / (source.images or name)
