"""The pre-training of a tiny model, from random weights to the exported model, in stages.

1. vision: the vision tower, with auxiliary dense heads (`vision`, `heads`);
2. pairs: from here on the vision tower is frozen; the language model learns, on scenes of few
   things and with auxiliary heads (`pointing`), which thing a description means;
3. grounding: boxes, and ideal traces, on scenes of one to nine things;
4. leading, chains: mostly ideal traces, first those that lead from one thing to another;
5. answers: the same, and for the first time answers at once to questions of several steps;
6. habits: the unreliable traces under GRIT's suffix (`habits`), mixed with everything before.

The bases have the profile of the paper's: they point well, answer weakly when asked at once
(because stage 5 is short), and do neither well together.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoProcessor, ProcessorMixin

from grit.core.errors import GritError
from grit.core.files import write_json
from grit.data.shapes.scenes import scene_for
from grit.models.adapter import Adapter
from grit.models.loading import ADAPTERS, freeze_vision, load_base
from grit.models.tiny import random_model
from grit.models.tiny_families import FAMILIES, make_processor
from grit.models.tiny_tokenizer import Family, train_tokenizer
from grit.pretraining.export import export_model
from grit.pretraining.language import LanguagePlan, LanguageStage
from grit.pretraining.lessons import ANSWERS, CHAINS, GROUNDING, HABITS, LEADING, PAIRS, turns_about
from grit.pretraining.pointing import PointingHeads
from grit.pretraining.quality import Figures, base_quality
from grit.pretraining.settings import PretrainSettings
from grit.pretraining.stages import Log, Stage, run_stage
from grit.pretraining.vision import VisionStage

SCENES_READ = 600  # by the tokenizer's training
CHAT_WORDS = "system\nuser\nassistant\n"  # the words of the chat template


@dataclass(frozen=True)
class Course:
    """All settings of a pre-training run; the shipped models have those of ``conf/pretrain``."""

    family: Family = "qwen"
    seed: int = 0
    settings: PretrainSettings = field(default_factory=PretrainSettings)
    threads: int = 2

    def record(self) -> dict[str, Any]:
        """All settings as plain values."""
        return {
            "family": self.family,
            "seed": self.seed,
            **asdict(self.settings),
            "threads": self.threads,
        }


def pretrain(course: Course, folder: Path) -> Path:
    """Run or resume pre-training in ``folder``; returns the folder of the exported model.

    It writes a checkpoint of each stage, ``curve.jsonl``, ``quality.json`` and ``model/``: 16-bit
    weights, processor and MODEL_CARD.md.

    Raises:
        GritError: the folder belongs to a run with other settings, `settings.vision` is no model
            of the family, or training diverged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    claim(course, folder)
    torch.set_num_threads(course.threads)
    settings, family, seed = course.settings, course.family, course.seed
    processor = _processor(course, folder / "processor")
    model = random_model(family, processor.tokenizer, seed).train()
    adapter, space = ADAPTERS[model.config.model_type](model, processor), FAMILIES[family].space
    log = Log(folder / "curve.jsonl")

    def run(stage: Stage) -> None:
        run_stage(stage, folder, log, settings.checkpoint_seconds)

    if settings.vision:
        take_vision(adapter, settings.vision)
    else:
        run(VisionStage(adapter, seed, settings.vision_steps, space))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = PointingHeads()
    freeze_vision(adapter)
    for plan in language_plans(settings):
        run(LanguageStage(plan, adapter, space, heads, seed))
    model.requires_grad_(True).eval()
    quality = _quality(adapter, course, folder)
    return export_model(model, processor, course.record(), quality, folder)


def _quality(adapter: Adapter, course: Course, folder: Path) -> dict[str, Figures]:
    """The final figures; those of ``quality.json`` if it has the same number of questions."""
    rows, path = course.settings.quality_rows, folder / "quality.json"
    if not rows:
        return {}
    stored: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if stored.get("rows") != rows:
        stored = {"rows": rows, "figures": base_quality(adapter, rows, course.seed)}
        write_json(path, stored)
    figures: dict[str, Figures] = stored["figures"]
    return figures


def take_vision(adapter: Adapter, path: str) -> None:
    """Copy the weights of another model's vision part into this model's.

    Raises:
        GritError: the other model is of another family or size.
    """
    other = load_base(path)
    if type(other) is not type(adapter):
        raise GritError(f"pretrain.vision={path}: a model of another family")
    for mine, its in zip(adapter.vision_modules, other.vision_modules, strict=True):
        shapes = [[p.shape for p in module.parameters()] for module in (mine, its)]
        if shapes[0] != shapes[1]:
            raise GritError(f"pretrain.vision={path}: its vision part is of another size")
        mine.load_state_dict(its.state_dict())


def language_plans(settings: PretrainSettings) -> list[LanguagePlan]:
    """The stages after the first, in order."""
    pool, small = settings.pool, settings.small_pool
    rate, slower = settings.rate, settings.chains_rate
    return [
        LanguagePlan("pairs", PAIRS, settings.pairs_steps, small, settings.first_rate, 1.0),
        LanguagePlan("grounding", GROUNDING, settings.grounding_steps, pool, rate),
        LanguagePlan("leading", LEADING, settings.leading_steps, settings.leading_pool, rate),
        LanguagePlan("chains", CHAINS, settings.chains_steps, pool, slower),
        LanguagePlan("answers", ANSWERS, settings.answers_steps, pool, slower),
        LanguagePlan("habits", HABITS, settings.habits_steps, pool, settings.habits_rate),
    ]


def _processor(course: Course, folder: Path) -> ProcessorMixin:
    """The run's processor; its tokenizer is trained once, since weights depend on its token ids."""
    if not (folder / "tokenizer.json").is_file():
        tokenizer = train_tokenizer(course.family, corpus(course.family, course.seed))
        make_processor(course.family, tokenizer).save_pretrained(folder)
    return AutoProcessor.from_pretrained(folder, trust_remote_code=False)


def corpus(family: Family, seed: int) -> Iterator[str]:
    """The tokenizer's corpus: prompts and completions about a few hundred scenes."""
    style, space = FAMILIES[family].style, FAMILIES[family].space
    for i in range(SCENES_READ):
        yield CHAT_WORDS
        scene = scene_for("pretrain", seed, "vocabulary", i)
        for turn in turns_about(scene, (ANSWERS, HABITS)[i % 2], style, space, seed, i, 0):
            yield turn.prompt
            yield turn.completion


def claim(course: Course, folder: Path) -> None:
    """Write the settings to a new folder, or compare them with those of an existing one.

    Raises:
        GritError: they differ.
    """
    path = folder / "settings.json"
    settings = course.record()
    if not path.is_file():
        write_json(path, settings)
        return
    stored = json.loads(path.read_text("utf-8"))
    compared = [name for name in settings if name not in WITHOUT_EFFECT]
    changed = [name for name in compared if settings[name] != stored.get(name)]
    if changed:
        raise GritError(
            f"{path}: this folder holds a run with another {', '.join(changed)}; "
            "use the same settings to resume it, or another folder"
        )


WITHOUT_EFFECT = ("threads", "checkpoint_seconds", "quality_rows")
"""Settings that do not change the weights, up to rounding."""
