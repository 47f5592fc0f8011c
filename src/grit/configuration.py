"""From a composed configuration to a checked one: where conf/ lies, types, cross-checks."""

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from grit.checks import check
from grit.errors import GritError
from grit.schema import Config

PACKAGE = Path(__file__).parent
# A checkout has conf/ at its root; a wheel carries it inside the package.
ROOT = PACKAGE if (PACKAGE / "conf").is_dir() else PACKAGE.parent.parent
CONF = ROOT / "conf"

# Fields that change how a run looks or where it runs, not what it computes.
NOT_HASHED = ("resume", "threads", "logger", "input", "output", "runs", "correlation", "attention")
NOT_HASHED_TRAINER = ("progress_bar", "checkpoint_every")

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
    # As the first of the defaults it gives every field a place on the command line. Types are
    # checked afterwards: OmegaConf's typed dictionaries take no new entry from a command line.
    fields = OmegaConf.to_container(OmegaConf.structured(Config), enum_to_str=True)
    ConfigStore.instance().store(name="schema", node=fields)


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
        "task=correlation, task=attention  figure 4, figure 5: runs=[FOLDER,...]",
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
    check(config)
    return config


def one_line(error: BaseException) -> str:
    """A message of OmegaConf or Hydra in one line: what, where, and the choices it offers."""
    lines = []
    for line in map(str.strip, str(error).splitlines()):
        if line.startswith("Config search path"):
            break
        if not line.startswith(("full_key", "object_type", "reference_type")):
            lines.append(line)
    text = " ".join(filter(None, lines))
    key = getattr(error, "full_key", None)
    if key and key not in text:
        text = f"{key}: {text}"
    cause = error.__cause__
    # Hydra says which override failed, and OmegaConf, its cause, says why.
    return f"{text}: {one_line(cause)}" if isinstance(cause, OmegaConfBaseException) else text


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
