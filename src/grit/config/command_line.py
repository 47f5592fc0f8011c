"""Split a command line into options and overrides, before Hydra parses it.

Hydra's own parser takes overrides only in one piece (``seed=1 --config-dir mine model=x`` ends in
its usage), prints Hydra's version, and reports errors over several lines.
"""

import argparse
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from grit.config.misspellings import close_to
from grit.core.errors import GritError

ALONE = (
    *(("--help", "-h"), ("--hydra-help",), ("--version",), ("--resolve",), ("--run", "-r")),
    *(("--multirun", "-m"), ("--shell-completion", "-sc")),
)
WITH_VALUE = (
    *(("--package", "-p"), ("--config-path", "-cp"), ("--config-name", "-cn")),
    *(("--config-dir", "-cd"), ("--experimental-rerun",)),
)
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
    return CommandLine(found.options, found.overrides)


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
