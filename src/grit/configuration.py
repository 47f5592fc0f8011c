"""From a composed configuration to a checked one: where conf/ lies, types, cross-checks."""

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from grit.errors import GritError
from grit.schema import Config, Task, Training

PACKAGE = Path(__file__).parent
# A checkout has conf/ at its root; a wheel carries it inside the package.
ROOT = PACKAGE if (PACKAGE / "conf").is_dir() else PACKAGE.parent.parent
CONF = ROOT / "conf"

# Fields that change how a run looks or where it runs, not what it computes.
NOT_HASHED = ("resume", "threads", "logger", "checkpoint", "predictions", "input", "output")
NOT_HASHED_TRAINER = ("progress_bar", "checkpoint_every", "workers")

GROUPS = {
    "model": "the base model",
    "data": "the training triplets",
    "method": "how the model is asked and trained",
    "reward": "what GRPO-GR pays for",
    "judge": "who says whether an answer is right",
    "suite": "the test sets",
    "training": "sizes and rates of training; follows the model",
    "trainer": "devices and precision",
    "logger": "where metrics go",
    "experiment": "overlays: a whole experiment, or a smoke test",
}


def register() -> None:
    """Make the schema known to Hydra, ``grit_root`` and ``grit_help`` to OmegaConf."""
    OmegaConf.register_new_resolver("grit_root", lambda: str(ROOT), replace=True)
    OmegaConf.register_new_resolver("grit_help", help_text, replace=True)
    # As the first of the defaults it gives every field a type and a place on the command line.
    ConfigStore.instance().store(name="schema", node=Config)


def group_files(group: str) -> list[Path]:
    """The choices of a config group."""
    folder = ROOT / "experiments" if group == "experiment" else CONF
    return sorted((folder / group).glob("*.yaml"))


def help_text() -> str:
    """What ``--help`` prints; each choice is described by the first line of its file."""
    lines = [
        "GRIT: teach vision-language models to think with images (arXiv 2505.15879).",
        "",
        "  python -m grit                                   the miniature, on any laptop",
        "  python -m grit model=internvl3_2b data=vsr_tally the real thing",
        "  python -m grit -m method=direct,cot,icl,sft,grit several runs",
        "",
        "task=train     train by the method, evaluate before and after (default)",
        "task=evaluate  evaluate a model (checkpoint=...), or predictions=FILE.jsonl",
        "task=score     score completions with a reward: input=FILE.jsonl output=FILE.jsonl",
        "task=pretrain  make a tiny base model",
    ]
    defaults = OmegaConf.load(CONF / "config.yaml").defaults
    chosen = {k: v for entry in defaults if isinstance(entry, DictConfig) for k, v in entry.items()}
    for group, purpose in GROUPS.items():
        lines += ["", f"{group}: {purpose}"]
        for file in group_files(group):
            lines_of_file = file.read_text(encoding="utf-8").splitlines()
            first = next(c for c in lines_of_file if not c.startswith("# @")).lstrip("# ")
            mark = "*" if chosen.get(group) == file.stem else " "
            lines.append(f" {mark} {group}={file.stem:<18} {first}")
    lines += [
        "",
        "* is the default. Any field can be overridden (training.beta=0.02); --cfg job shows all.",
    ]
    return "\n".join(lines)


def checked(composed: DictConfig) -> Config:
    """Check a composed configuration against the schema and across fields.

    Raises:
        GritError: names the field, what is wrong with it and what is possible.
    """
    try:
        values = OmegaConf.to_container(composed, resolve=True)
        # Typed keys make an unknown key inside a YAML file an error, which struct mode does not.
        merged = OmegaConf.merge(OmegaConf.structured(Config), values)
        missing = sorted(OmegaConf.missing_keys(merged))
        if missing:
            raise GritError(f"config: {missing[0]} has no value; set {missing[0]}=...")
        config = cast(Config, OmegaConf.to_object(merged))
    except OmegaConfBaseException as error:
        raise GritError(f"config: {one_line(error)}") from error
    _check_across(config)
    return config


def one_line(error: Exception) -> str:
    """The first line of OmegaConf's or Hydra's message, with the field it speaks of."""
    text = str(error).strip()
    first = text.splitlines()[0] if text else type(error).__name__
    key = getattr(error, "full_key", None)
    return f"{key}: {first}" if key and key not in first else first


def plain(config: Config) -> dict[str, Any]:
    """The configuration as plain values, for files and loggers."""
    container = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True, resolve=True)
    return cast(dict[str, Any], container)


def config_hash(config: Config) -> str:
    """Twelve hex digits that change with every field that can change a result."""
    values = plain(config)
    for name in NOT_HASHED:
        values.pop(name)
    for name in NOT_HASHED_TRAINER:
        values["trainer"].pop(name)
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def _check_across(config: Config) -> None:
    """Refuse combinations that cannot work, before anything is loaded."""
    for name, least in (
        ("group_size", 2),
        ("prompts_per_step", 1),
        ("updates_per_rollout", 1),
        ("steps", 1),
    ):
        if getattr(config.training, name) < least:
            found = getattr(config.training, name)
            raise GritError(f"config: training.{name} must be at least {least}, not {found}")
    if config.training.learning_rate <= 0:
        raise GritError("config: training.learning_rate must be positive")
    if not 0 < config.training.sampling.top_p <= 1:
        raise GritError("config: training.sampling.top_p must be above 0 and at most 1")
    if config.training.sampling.temperature <= 0:
        raise GritError(
            "config: training.sampling.temperature must be positive: "
            "greedy completions of one prompt are all the same and teach nothing"
        )
    if config.model.adaptation.value == "lora" and not config.model.lora.target_modules:
        raise GritError(
            "config: model.adaptation=lora needs model.lora.target_modules, "
            "for example [q_proj,k_proj,v_proj,o_proj]"
        )
    if config.model.adaptation.value == "full" and config.model.dtype.value == "bfloat16":
        raise GritError(
            "config: model.adaptation=full with model.dtype=bfloat16 loses small updates; "
            "use model.dtype=float32 (with trainer.precision=bf16-mixed on a GPU) or lora"
        )
    if config.task is Task.score and not (config.input and config.output):
        raise GritError("config: task=score needs input=FILE.jsonl and output=FILE.jsonl")
    if config.method.example and not config.method.suffix:
        raise GritError("config: method.example=true needs method.suffix=true")
    if config.method.training is Training.grpo_gr and not config.method.tagged_answer:
        raise GritError("config: method.training=grpo_gr needs method.tagged_answer=true")
    if config.logger.mode not in ("auto", "online", "offline", "disabled"):
        raise GritError("config: logger.mode must be auto, online, offline or disabled")
    for path, source in [
        *((f"data.sources.{name}", s) for name, s in config.data.sources.items()),
        *((f"suite.sets.{name}", s) for name, s in config.suite.sets.items()),
    ]:
        if (source.file is None) == (source.kind is None):
            raise GritError(f"config: {path} needs either file (JSONL) or kind (drawn scenes)")
        if source.kind is not None and source.rows is None:
            raise GritError(f"config: {path}.rows is needed: drawn scenes have no end")
