"""Split a command line into options and overrides, before Hydra parses it.

Hydra's own parser takes overrides only in one piece (``seed=1 --config-dir mine model=x`` ends in
its usage), prints Hydra's version, and reports errors over several lines.
"""

import argparse
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from os.path import expanduser
from typing import Any, NoReturn

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Quote, QuotedString
from hydra.errors import HydraException

from grit.config.misspellings import close_to
from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.settings import declared, parts_of

ALONE = (
    *(("--help", "-h"), ("--hydra-help",), ("--version",), ("--resolve",), ("--run", "-r")),
    *(("--multirun", "-m"), ("--shell-completion", "-sc")),
)
WITH_VALUE = (
    *(("--package", "-p"), ("--config-path", "-cp"), ("--config-name", "-cn")),
    *(("--config-dir", "-cd"), ("--experimental-rerun",)),
)
PROSE = "question"  # a setting in which a comma separates no values
FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")  # texts too, though not of our schema
INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


@dataclass(frozen=True)
class CommandLine:
    """Options and overrides, each in the order in which they were given."""

    options: list[str]  # long names; a value is an element of its own
    overrides: list[str]

    @property
    def ordered(self) -> list[str]:
        """The arguments as Hydra takes them: options first."""
        return [*self.options, *self.overrides]

    @property
    def words(self) -> list[str]:
        """Arguments that are not overrides: they neither set a field (=) nor delete one (~)."""
        return [each for each in self.overrides if not re.match("~.|[^=]+=", each)]

    @property
    def values(self) -> Iterator[dict[str, Any]]:
        """Each argument as NAME and its text, and as NAME and what Hydra reads there.

        A mapping is only what Hydra reads: terms and test sets have names of their own.
        """
        for each in self.ordered:
            name, _, text = each.partition("=")
            read: Any = text
            with suppress(HydraException):
                read = OverridesParser.create().parse_override(each).value()
            if isinstance(read, ChoiceSweep):
                read = read.list
            if not isinstance(read, Mapping):
                yield {name: None if read is None else text}
            yield {name: read}


def parse(arguments: Sequence[str]) -> CommandLine:
    """Separate options and overrides, given in any order.

    Raises:
        GritError: an option does not exist, or lacks its value.
    """
    parser = _Parser(add_help=False)
    parser.add_argument("overrides", nargs="*")
    for names in ALONE:
        parser.add_argument(*names, action=_Keep, nargs=0)
    for names in WITH_VALUE:
        parser.add_argument(*names, action=_Keep)
    parser.add_argument("--cfg", "-c", action=_Keep, choices=("job", "hydra", "all"))
    parser.add_argument("--info", "-i", action=_Keep, nargs="?", choices=INFO)
    # parse_args would accept only the overrides before the first option.
    found = parser.parse_intermixed_args(arguments, argparse.Namespace(options=[]))
    several = "--multirun" in found.options or any(
        each.startswith(("experiment=", "hydra.mode=")) for each in found.overrides
    )
    overrides = [_with_quotes(each, several=several) for each in found.overrides]
    return CommandLine(found.options, overrides)


def help_topic(words: Sequence[str], groups: Collection[str]) -> str:
    """The config group that ``--help WORD`` asks about.

    Raises:
        GritError: there are several words, or there is no such group.
    """
    if len(words) == 1 and words[0] in groups:
        return words[0]
    close = close_to(words[0], groups)
    meant = f"did you mean {close}?" if close else f"there are {', '.join(groups)}"
    raise GritError(f"--help {' '.join(words)}: --help is about all or about one group; {meant}")


def no_override(word: str, choices: Mapping[str, Collection[str]]) -> str:
    """The error message for an argument that is not an override.

    Args:
        word: the argument.
        choices: config group -> its choices, for a suggestion.
    """
    said = f"{word} sets nothing: expected NAME=VALUE, without spaces around ="
    if word in choices:
        return f"{said}; {word}= takes {', '.join(choices[word])}"
    groups = [group for group, names in choices.items() if word in names]
    meant = " or ".join(f"{group}={word}" for group in groups)
    return f"{said}; did you mean {meant}?" if meant else said


def override_of(name: str, text: str) -> str:
    """The override that sets ``name`` to a text, with quotes where Hydra needs them."""
    try:
        is_read = OverridesParser.create().parse_override(f"{name}={text}").value() == text
    except HydraException:
        is_read = False
    return f"{name}={text if is_read else QuotedString(text, Quote.single).with_quotes()}"


def _with_quotes(override: str, *, several: bool) -> str:
    """An override of a text setting with quotes, where Hydra could not read it without.

    Args:
        override: a word of the command line.
        several: whether it may start several runs, so that a comma separates their values.
    """
    name, sign, value = override.partition("=")
    path = name.lstrip("+")
    if not sign or path not in (*_texts(), *FOLDERS):
        return override
    if path in FOLDERS:  # Hydra makes them before the schema sees a ~
        value = expanduser(value)
        override = f"{name}={value}"
    try:
        parsed = OverridesParser.create().parse_override(override).value()
    except HydraException:
        needed = path == PROSE or not (several and "," in value)
    else:
        # Elsewhere Hydra's advice of quotes or --multirun is right for a comma. Quotes around
        # each question are meant as several.
        listed = parsed.list if isinstance(parsed, ChoiceSweep) and parsed.simple_form else []
        meant = several and all(isinstance(each, QuotedString) for each in listed)
        needed = path == PROSE and bool(listed) and not meant
    return f"{name}={QuotedString(value, Quote.single).with_quotes()}" if needed else override


@cache
def _texts() -> frozenset[str]:
    """The settings whose value is any text."""
    return frozenset(each.path for each in declared(Config) if parts_of(each.kind)[0] is str)


class _Keep(argparse.Action):
    """Appends an option's long name and its value to ``options``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: Any,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        name = self.option_strings[0]
        namespace.options += [name] if values in (None, []) else [name, str(values)]


class _Parser(argparse.ArgumentParser):
    """Raises GritError with one line where argparse would print its usage and exit with 2."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].split()
        if unknown:
            setting = unknown[0].lstrip("-")
            if "=" in setting:
                raise GritError(f"{unknown[0]} is no option: settings have no dashes, {setting}")
            raise GritError(f"{unknown[0]} is no option; there are {', '.join(self._options())}")
        raise GritError(message)

    def _options(self) -> list[str]:
        return [action.option_strings[0] for action in self._actions if action.option_strings]
