"""Pre-training of a tiny model from nothing to shipped weights: the stages and their settings.

1. vision: the vision part learns to see, with dense heads (`vision`, `heads`);
2. pairs: the language part, on the frozen vision part, learns which thing a question means and how
   things stand to each other, on scenes of few things and with heads of its own (`pointing`);
3. drills: relations one direction after the other, then short answers about few things;
4. beside: what is found from another thing, and boxes;
5. scenes: all question kinds on scenes of one to nine things, boxes and ideal traces among them;
6. leading, chains: ideal traces above all, first to what is found from another thing;
7. counts: how many there are, many times over;
8. habits: the unreliable mixture under GRIT's suffix (`habits`), with everything else replayed;
9. finish: the same, with more of the short answers that were still weak.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoProcessor, ProcessorMixin

from grit.core.errors import GritError
from grit.core.files import write_json
from grit.models.adapter import Adapter
from grit.models.loading import ADAPTERS
from grit.models.tiny import Family, make_processor, random_model
from grit.models.tiny_tokenizer import train_tokenizer
from grit.pretraining.export import export_model, read_json
from grit.pretraining.language import LanguagePlan, LanguageStage
from grit.pretraining.lessons import (
    BESIDE,
    CHAINS,
    COUNTS,
    DRILLS,
    FINISH,
    HABITS,
    LEADING,
    PAIRS,
    SCENES,
)
from grit.pretraining.pointing import PointingHeads
from grit.pretraining.quality import Figures, base_quality
from grit.pretraining.settings import PretrainSettings
from grit.pretraining.stages import Log, Stage, run_stage
from grit.pretraining.vision import VisionStage, vision_parts
from grit.pretraining.vocabulary import corpus


@dataclass(frozen=True)
class Course:
    """All that decides what a base model is: with ``conf/pretrain``, what made the shipped ones."""

    family: Family = "qwen"
    seed: int = 0
    settings: PretrainSettings = field(default_factory=PretrainSettings)
    threads: int = 2

    def record(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "family": self.family,
            "seed": self.seed,
            **asdict(self.settings),
            "threads": self.threads,
        }


def pretrain(course: Course, folder: Path) -> Path:
    """Run or resume the course in ``folder``; returns the folder of the exported model.

    ``folder`` gets a checkpoint of each stage, ``curve.jsonl``, ``curves.svg``, ``quality.json``
    and ``model/``: 16-bit weights, processor and MODEL_CARD.md.

    Raises:
        GritError: the folder belongs to a run with other settings, or training diverged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    claim(course, folder)
    torch.set_num_threads(course.threads)
    settings, family, seed = course.settings, course.family, course.seed
    processor = _processor(course, folder / "processor")
    model = random_model(family, processor.tokenizer, seed).train()
    log = Log(folder / "curve.jsonl")

    def learn(stage: Stage) -> None:
        run_stage(stage, folder, log, settings.checkpoint_seconds)

    scale, digits = (1.0, 2) if family == "qwen" else (1000 / 96, 3)
    learn(VisionStage(model, processor, seed, settings.vision_steps, scale, digits))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = PointingHeads()
    for part in vision_parts(model):
        part.requires_grad_(False)
    for plan in language_plans(settings):
        learn(LanguageStage(plan, family, model, processor, heads, seed))
    model.requires_grad_(True).eval()
    quality = _quality(ADAPTERS[model.config.model_type](model, processor), course, folder)
    return export_model(model, processor, course.record(), quality, folder)


def _quality(adapter: Adapter, course: Course, folder: Path) -> dict[str, Figures]:
    """The final measurement, made once for each number of questions."""
    rows, path = course.settings.quality_rows, folder / "quality.json"
    if not rows:
        return {}
    known = read_json(path) if path.is_file() else {}
    if known.get("rows") != rows:
        known = {"rows": rows, "figures": base_quality(adapter, rows, course.seed)}
        write_json(path, known)
    figures: dict[str, Figures] = known["figures"]
    return figures


def language_plans(settings: PretrainSettings) -> list[LanguagePlan]:
    """The stages after the first, in order."""
    small, beside = settings.small_pool, settings.beside_pool
    large, counted = settings.pool, settings.counts_pool
    drills = []
    for name, (lesson, full) in DRILLS.items():
        steps = max(1, round(full * settings.drill_share))
        drills.append(LanguagePlan(name, lesson, steps, small, settings.drill_rate))
    return [
        LanguagePlan("pairs", PAIRS, settings.pairs_steps, small, settings.first_rate, 1.0),
        *drills,
        LanguagePlan("beside", BESIDE, settings.beside_steps, beside, settings.rate),
        LanguagePlan("scenes", SCENES, settings.scenes_steps, large, settings.rate),
        LanguagePlan("leading", LEADING, settings.leading_steps, beside, settings.rate),
        LanguagePlan("chains", CHAINS, settings.chains_steps, large, settings.drill_rate),
        LanguagePlan("counts", COUNTS, settings.counts_steps, counted, settings.rate),
        LanguagePlan("habits", HABITS, settings.habits_steps, large, settings.habits_rate),
        LanguagePlan("finish", FINISH, settings.finish_steps, large, settings.habits_rate),
    ]


def _processor(course: Course, folder: Path) -> ProcessorMixin:
    """The run's own tokenizer in its processor, learnt once: the weights hang on its token ids."""
    if not (folder / "tokenizer.json").is_file():
        tokenizer = train_tokenizer(course.family, corpus(course.family, course.seed))
        make_processor(course.family, tokenizer).save_pretrained(folder)
    return AutoProcessor.from_pretrained(folder, trust_remote_code=False)


def claim(course: Course, folder: Path) -> None:
    """Note the settings of a new folder; those of an old one must be the same.

    Raises:
        GritError: they are not.
    """
    path = folder / "settings.json"
    mine = course.record()
    if not path.is_file():
        write_json(path, mine)
        return
    known = read_json(path)
    changed = [name for name in mine if mine[name] != known.get(name) and name not in FREE]
    if changed:
        raise GritError(
            f"{path}: this folder holds a run with another {', '.join(changed)}; "
            "use the same settings to resume it, or another folder"
        )


FREE = ("threads", "checkpoint_seconds", "quality_rows")
"""Settings that do not change what is learnt, up to rounding."""
