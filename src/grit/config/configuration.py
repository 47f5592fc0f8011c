"""Compose and check a configuration; describe groups and settings for ``--help``."""

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from textwrap import wrap
from typing import Any, get_args

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from grit.config.checks import check, check_figures
from grit.config.identity import folder_name
from grit.config.misspellings import misspelt
from grit.config.schema import Config, FigureSettings, Task
from grit.config.validating import validated
from grit.core.errors import GritError
from grit.core.keys import refuse_keys
from grit.core.settings import declared, defaults, group_of, may_be_null, type_name
from grit.judge.settings import WITH_FIELDS, JudgeSettings, ServiceJudgeSettings, read_prompt
from grit.models.names import last_part

PACKAGE = Path(__file__).parent.parent
# A checkout has conf/ at its root; a wheel carries it inside the package.
ROOT = PACKAGE if (PACKAGE / "conf").is_dir() else PACKAGE.parent.parent
CONF = ROOT / "conf"

_OVERRIDDEN = re.compile(r"Could not override '([^']+)'")
_NO_LIST = re.compile(r"Invalid value assigned: \w+ is not a ListConfig, list or tuple\.")

GROUPS = {
    "model": "the base model",
    "data": "the training triplets",
    "method": "how the model is asked and trained",
    "reward": "what GRPO-GR pays for",
    "judge": "who says whether an answer is right",
    "suite": "the test sets",
    "training": "sizes and rates of training; follows the model",
    "rollout": "the engine that completes prompts, and how it samples",
    "objective": "advantages and loss other than GRPO-GR's, on any training preset",
    "trainer": "devices and precision",
    "pretrain": "how a tiny base model is made; follows the model",
    "logger": "where metrics go",
    "arm": "one row of experiment=methods: what it has that GRIT has not",
    "experiment": "overlays: a whole experiment, or a smoke test",
}


def register() -> None:
    """Register the schema with Hydra, and the resolvers ``grit_...`` with OmegaConf."""
    OmegaConf.register_new_resolver("grit_root", lambda: str(ROOT), replace=True)
    OmegaConf.register_new_resolver("grit_help", help_text, replace=True)
    OmegaConf.register_new_resolver("grit_folder", _folder_name, replace=True)
    OmegaConf.register_new_resolver("grit_model_name", last_part, replace=True)
    # The schema is first in the defaults list, so that every field can be overridden. Types are
    # checked later: OmegaConf's typed dictionaries take no new keys from a command line.
    store = ConfigStore.instance()
    store.store(name="schema", node=defaults(Config))
    for judge, declaration in WITH_FIELDS.items():  # for the defaults lists of conf/judge/
        store.store(group="settings", name=f"{judge}_judge", node=defaults(declaration))


def group_files(group: str) -> list[Path]:
    """The YAML files of a config group's choices, sorted by name."""
    folder = ROOT / "experiments" if group in ("arm", "experiment") else CONF
    return sorted((folder / group).glob("*.yaml"))


def version_text(own: str) -> str:
    """What ``--version`` prints: grit's ``own`` version and those of the main libraries."""
    libraries = ("torch", "transformers", "pytorch-lightning", "peft", "hydra-core")
    return "\n".join([f"grit {own}", *(f"{name} {version(name)}" for name in libraries)])


def check_own_choices(options: Sequence[str]) -> None:
    """Refuse a choice of ``--config-dir`` with the name of the suite's, which Hydra would take.

    Args:
        options: of the command line, by their long names; values are elements of their own.

    Raises:
        GritError: there is one.
    """
    for option, folder in pairwise(options):
        if option != "--config-dir" or Path(folder).resolve() == CONF.resolve():
            continue
        for file in sorted(Path(folder).glob("*/*.yaml")):
            group = file.parent.name
            if file.name in {each.name for each in group_files(group)}:
                raise GritError(
                    f"--config-dir {folder}: {file} is not read, because {group}={file.stem} is "
                    "the suite's own; give yours another name"
                )


def help_text() -> str:
    """What ``--help`` prints; each choice is described by the first line of its file."""
    lines = [
        "GRIT: teach vision-language models to think with images (arXiv 2505.15879).",
        "",
        "  python -m grit                                   the miniature, on any laptop",
        "  python -m grit model=internvl3_2b data=vsr_tally the real thing",
        "  python -m grit -m method=direct,cot,icl,sft,grit several runs",
        "  python -m grit experiment=table1                 the runs of a table, and the table",
        "",
        "task=train     train by the method, evaluate before and after (default)",
        "task=evaluate  a model (checkpoint=: a folder or Hub id), or predictions=FILE.jsonl",
        "task=score     score completions with a reward: input=FILE.jsonl output=FILE.jsonl",
        "task=infer     ask about an image: image=FILE question=TEXT checkpoint=RUN (or a Hub id)",
        "task=demo      a page to ask on, boxes as they come: checkpoint=RUN demo.beside=OTHER",
        "task=export    a run's model with a card, for others: checkpoint=RUN push=ORG/NAME",
        "task=check     what a run would be and cost, and what is wrong with it; needs no weights",
        "task=report    one page and a W&B report about many runs: runs=[FOLDER,...]",
        "task=pretrain  make a tiny base model",
        "task=data      download, convert and check the paper's data; data.check_only=true reports",
        "task=tables    the paper's tables and figures from finished runs: runs=FOLDER",
        "task=correlation  figure 4, chains and their boxes, from finished runs: runs=[FOLDER,...]",
        "task=attention    figure 5, attention on the image, from finished runs: runs=[FOLDER,...]",
        "task=faithfulness do answers fall without what chains point at? runs=[FOLDER,...]",
    ]
    for group in GROUPS:
        lines += ["", group_help(group)]
    lines += [
        "",
        "* is the default. Any field can be overridden (training.beta=0.02); --cfg job shows all.",
        "--config-dir FOLDER adds choices of your own; --help GROUP shows those of one group, and",
        "--version what is installed.",
    ]
    return "\n".join(lines)


def group_help(group: str) -> str:
    """A group's description and its choices, each with the first line of its file."""
    defaults = OmegaConf.load(CONF / "config.yaml").defaults
    chosen = {k: v for entry in defaults if isinstance(entry, DictConfig) for k, v in entry.items()}
    lines = [f"{group}: {GROUPS[group]}"]
    for file in group_files(group):
        lines_of_file = file.read_text(encoding="utf-8").splitlines()
        first = next(c for c in lines_of_file if not c.startswith("# @")).lstrip("# ")
        mark = "*" if chosen.get(group) == file.stem else " "
        lines.append(f" {mark} {group}={file.stem:<18} {first}")
    return "\n".join(lines)


def topic_help(group: str) -> str:
    """What ``--help GROUP`` prints: the choices of a group, and its settings."""
    return f"{group_help(group)}\n\n{settings_help(group)}".rstrip()


def settings_help(group: str) -> str:
    """The settings of a group, each with its description and its range or choices."""
    lines = []
    for setting in declared(Config):
        if setting.path.startswith(f"{group}.") and group_of(setting.kind) is None:
            limits = setting.expected or type_name(setting.kind)
            null = ", or null" if setting.expected and may_be_null(setting.kind) else ""
            lines.append(f"  {setting.path} ({limits}{null})")
            lines += wrap(setting.about, 94, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(lines)


def choices() -> dict[str, list[str]]:
    """Config group -> its choices; ``task`` -> the tasks."""
    groups = {group: [file.stem for file in group_files(group)] for group in GROUPS}
    return {"task": list(get_args(Task)), **groups}


def composed_config(*overrides: str) -> Config:
    """The configuration of ``python -m grit`` with these overrides, checked, for Python.

    Raises:
        GritError: an override is wrong.
    """
    register()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = compose("config", overrides=list(overrides))
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise GritError(one_line(error)) from error
    return checked(composed)


def checked(composed: DictConfig, *, stored: bool = False) -> Config:
    """Check a composed configuration against the schema and across fields.

    Args:
        composed: the configuration.
        stored: by a run, which has made something of it: it is checked against the schema alone.

    Raises:
        GritError: names the field, what is wrong with it and what is allowed.
    """
    values = _resolved(composed)
    refuse_keys(values)
    if isinstance(values.get("runs"), str):  # runs=FOLDER, which needs no brackets
        values["runs"] = [values["runs"]]
    config = validated(Config, values)
    if not stored:
        check(config)
    return replace(config, judge=_with_prompt(config.judge))


def part_names(composed: DictConfig) -> dict[str, Any]:
    """The names of a run's parts, and which draw of its data it has, without any checks."""
    parts = ("model", "data", "suite", "method", "reward")
    names = {part: str(OmegaConf.select(composed, f"{part}.name")) for part in parts}
    draw = OmegaConf.select(composed, "data.seed")
    return names | {
        "objective": str(OmegaConf.select(composed, "training.objective.name")),
        "data_seed": draw if isinstance(draw, int) else None,
    }


def figure_settings(composed: DictConfig) -> FigureSettings:
    """The settings of a multirun's figures, from the multirun's own configuration.

    The other parts are not checked: they belong to the jobs, and without the values of the sweep
    they need not form a run.

    Raises:
        GritError: as in `checked`.
    """
    values = {field.name: _resolved(composed, field.name) for field in fields(FigureSettings)}
    figures = validated(FigureSettings, values)
    check_figures(figures, composed.task)
    return replace(figures, judge=_with_prompt(figures.judge))


def _with_prompt(judge: JudgeSettings) -> JudgeSettings:
    """The judge's settings, with the text of its ``prompt_file`` instead of the file's name."""
    if isinstance(judge, ServiceJudgeSettings):
        return replace(judge, prompt=read_prompt(judge), prompt_file=None)
    return judge


def _resolved(composed: DictConfig, part: str | None = None) -> Any:
    """Plain values of the configuration, or of one field, with interpolations resolved."""
    try:
        value = composed if part is None else composed[part]
        return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    except OmegaConfBaseException as error:
        raise GritError(f"config: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """An error message of OmegaConf or Hydra in one line, with a suggestion for unknown keys."""
    lines = []
    for line in map(str.strip, str(error).splitlines()):
        if line.startswith("Config search path"):
            break
        if not line.startswith(("full_key", "object_type", "reference_type")):
            lines.append(line)
    text = _NO_LIST.sub("expected a list: [a,b]", " ".join(filter(None, lines)))
    key = getattr(error, "full_key", None)
    overridden = _OVERRIDDEN.match(text)
    if isinstance(error, ConfigKeyError | ConfigAttributeError) and key:
        unknown = str(key)
    else:
        unknown = overridden[1] if overridden else ""
    # Hydra advises to add the key with a +, which works only where the schema takes new keys.
    if unknown and (better := misspelt(unknown, *_missing(error))):
        return better
    if key and key not in text:
        text = f"{key}: {text}"
    cause = error.__cause__
    # Hydra says which override failed, and OmegaConf, its cause, says why.
    return f"{text}: {one_line(cause)}" if isinstance(cause, OmegaConfBaseException) else text


def _missing(error: BaseException) -> tuple[str, list[str]]:
    """The key that OmegaConf did not find ("" for none), and the keys that exist beside it."""
    source = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    node, key = getattr(source, "parent_node", None), getattr(source, "full_key", None)
    return str(key or ""), [str(name) for name in node] if isinstance(node, DictConfig) else []


def _folder_name(*, _root_: DictConfig) -> str:
    """The resolver ``grit_folder``: ``folder_name``, or "refused" if the checks fail."""
    fields = OmegaConf.masked_copy(_root_, [str(key) for key in _root_ if key != "hydra"])
    try:
        return folder_name(checked(fields))
    except GritError:
        return "refused"
