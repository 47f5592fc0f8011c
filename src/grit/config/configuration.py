"""From a composed configuration to a checked one: where conf/ lies, types, cross-checks."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from grit.config.checks import check, check_figures
from grit.config.misspellings import misspelt
from grit.config.schema import Config, Task, Training, schema_of
from grit.core.errors import GritError
from grit.core.fingerprints import code_fingerprint, fingerprint
from grit.core.keys import refuse_keys
from grit.judge.settings import OwnJudgeConfig, ServiceJudgeConfig, read_prompt

PACKAGE = Path(__file__).parent.parent
# A checkout has conf/ at its root; a wheel carries it inside the package.
ROOT = PACKAGE if (PACKAGE / "conf").is_dir() else PACKAGE.parent.parent
CONF = ROOT / "conf"

_OVERRIDDEN = re.compile(r"Could not override '([^']+)'")
_NO_LIST = re.compile(r"Invalid value assigned: \w+ is not a ListConfig, list or tuple\.")

# Fields that change how a run looks or where it runs, not what it computes.
NOT_HASHED = (
    *("resume", "threads", "logger", "input", "output", "preparation", "runs", "exhibits"),
    *("correlation", "attention", "check", "data.max_prompt_tokens"),
    *("trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy"),
    *("trainer.progress_bar", "trainer.checkpoint_every", "trainer.stop_within"),
    "trainer.max_silence",
    *("evaluation.before_training", "training.must_learn"),
    *("judge.max_failure_rate", "judge.base_url", "judge.in_flight", "judge.attempts"),
    *("judge.timeout", "judge.total_timeout", "judge.backoff", "judge.cache", "judge.prices"),
    *("judge.ask_first", "judge.prompt_file"),  # what the file holds is in judge.prompt by then
)
MEASURED_BY = ("judge", "suite", "correlation", "attention")  # figures 4 and 5, beside the seed
OF_TRAINING = ("seed", "data", "reward", "training")  # nothing else draws or learns

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
    OmegaConf.register_new_resolver("grit_folder", _folder_name, replace=True)
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
        "  python -m grit experiment=table1                 the runs of a table, and the table",
        "",
        "task=train     train by the method, evaluate before and after (default)",
        "task=evaluate  a model (checkpoint=: a folder or Hub id), or predictions=FILE.jsonl",
        "task=score     score completions with a reward: input=FILE.jsonl output=FILE.jsonl",
        "task=check     what a run would be and cost, and what is wrong with it; needs no weights",
        "task=report    one page and a W&B report about many runs: runs=[FOLDER,...]",
        "task=pretrain  make a tiny base model",
        "task=data      download, convert and check the paper's data; data.check_only=true reports",
        "task=tables    the paper's tables and figures from finished runs: runs=FOLDER",
        "task=correlation  figure 4, chains and their boxes, from finished runs: runs=[FOLDER,...]",
        "task=attention    figure 5, attention on the image, from finished runs: runs=[FOLDER,...]",
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
    """What a group is for, and its choices, each by the first line of its file."""
    defaults = OmegaConf.load(CONF / "config.yaml").defaults
    chosen = {k: v for entry in defaults if isinstance(entry, DictConfig) for k, v in entry.items()}
    lines = [f"{group}: {GROUPS[group]}"]
    for file in group_files(group):
        lines_of_file = file.read_text(encoding="utf-8").splitlines()
        first = next(c for c in lines_of_file if not c.startswith("# @")).lstrip("# ")
        mark = "*" if chosen.get(group) == file.stem else " "
        lines.append(f" {mark} {group}={file.stem:<18} {first}")
    return "\n".join(lines)


def choices() -> dict[str, list[str]]:
    """What can be chosen by one word, in every group and of the tasks."""
    groups = {group: [file.stem for file in group_files(group)] for group in GROUPS}
    return {"task": [task.value for task in Task], **groups}


def checked(composed: DictConfig) -> Config:
    """Check a composed configuration against the schema and across fields.

    Raises:
        GritError: names the field, what is wrong with it and what is possible.
    """
    try:
        values = cast(dict[str, Any], OmegaConf.to_container(composed, resolve=True))
        refuse_keys(values)
        if isinstance(values.get("runs"), str):  # runs=FOLDER, which needs no brackets
            values["runs"] = [values["runs"]]
        # Typed keys make an unknown key inside a YAML file an error, which struct mode does not.
        schema = schema_of(OmegaConf.select(composed, "judge.name"))
        merged = OmegaConf.merge(OmegaConf.structured(schema), values)
        missing = sorted(OmegaConf.missing_keys(merged))
        if missing:
            raise GritError(f"config: {missing[0]} has no value; set {missing[0]}=...")
        config = cast(Config, OmegaConf.to_object(merged))
    except OmegaConfBaseException as error:
        raise GritError(f"config: {one_line(error)}") from error
    check(config)
    if isinstance(config.judge, ServiceJudgeConfig):
        config.judge = replace(config.judge, prompt=read_prompt(config.judge), prompt_file=None)
    return config


def figure_settings(composed: DictConfig) -> Config:
    """What a multirun's own configuration says of how its figures are measured.

    The other parts are as the schema has them: they belong to the jobs, and what a multirun
    composes beside its sweep need not be anything that can run.

    Raises:
        GritError: as `checked` does.
    """
    try:
        schema = schema_of(OmegaConf.select(composed, "judge.name"))
        parts: dict[str, Any] = {
            name: OmegaConf.to_object(
                OmegaConf.merge(
                    OmegaConf.structured(getattr(schema, name)),
                    OmegaConf.to_container(composed[name], resolve=True),
                )
            )
            for name in MEASURED_BY
        }
    except OmegaConfBaseException as error:
        raise GritError(f"config: {one_line(error)}") from error
    config = replace(schema, seed=composed.seed, exhibits=list(composed.exhibits), **parts)
    check_figures(config)
    return config


def one_line(error: BaseException) -> str:
    """A message of OmegaConf or Hydra in one line: what, where, and the choices it offers."""
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
    # Hydra's advice, to add the key by a +, helps only where the schema takes it.
    if unknown and (better := misspelt(unknown, *_missing(error))):
        return better
    if key and key not in text:
        text = f"{key}: {text}"
    cause = error.__cause__
    # Hydra says which override failed, and OmegaConf, its cause, says why.
    return f"{text}: {one_line(cause)}" if isinstance(cause, OmegaConfBaseException) else text


def _missing(error: BaseException) -> tuple[str, list[str]]:
    """The key that OmegaConf, or Hydra because of it, did not find, and the keys beside it."""
    source = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    node, key = getattr(source, "parent_node", None), getattr(source, "full_key", None)
    return str(key or ""), [str(name) for name in node] if isinstance(node, DictConfig) else []


def plain(config: Config) -> dict[str, Any]:
    """The configuration as plain values, for files and loggers."""
    container = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True, resolve=True)
    return cast(dict[str, Any], container)


def config_hash(config: Config) -> str:
    """Twelve hex digits that change with every field that can change a result."""
    return fingerprint(_without(plain(config), NOT_HASHED))


def settings_hash(config: Config) -> str:
    """The same but for the seed: runs that differ in nothing else are repetitions of each other.

    What a method without training does not use does not count.
    """
    unused = ("seed",) if _learns(config) else OF_TRAINING
    return fingerprint(_without(plain(config), NOT_HASHED + unused))


def code_hash(config: Config) -> str:
    """Twelve hex digits that change with the code and the shipped weights behind the results."""
    calls = [term.call for term in config.reward.terms.values()] if _learns(config) else []
    if isinstance(config.judge, OwnJudgeConfig) and config.judge.call is not None:
        calls.append(config.judge.call)
    return code_fingerprint(config.model.path, tuple(calls))


def canonical(config: Config) -> Config:
    """The one of all configurations with the same results that an experiment runs."""
    return config if _learns(config) else replace(config, seed=0)  # greedy evaluation draws nothing


def folder_name(config: Config) -> str:
    """A folder's name that is the same for the same run, and another where results could differ."""
    config = canonical(config)
    parts = [config.model.name, config.data.name, config.method.name]
    if config.task is not Task.train:
        parts.insert(0, config.task.value)
    if _learns(config):
        parts += [] if config.reward.name == "grpo_gr" else [config.reward.name]
        parts.append(f"seed{config.seed}")
    identity = fingerprint([config_hash(config), code_hash(config)])
    return "-".join([*parts, identity[:8]])


def _learns(config: Config) -> bool:
    return config.method.training is not Training.none


def _folder_name(*, _root_: DictConfig) -> str:
    """``folder_name`` inside of a configuration; one that cannot run has no name of its own."""
    fields = OmegaConf.masked_copy(_root_, [str(key) for key in _root_ if key != "hydra"])
    try:
        return folder_name(checked(fields))
    except GritError:
        return "refused"


def _without(values: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Nested values but for those at the dotted ``paths``; ``values`` are changed."""
    for path in paths:
        *parents, last = path.split(".")
        reduce(lambda node, name: node[name], parents, values).pop(last, None)  # judges differ
    return values
