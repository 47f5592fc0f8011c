"""Checks of where rows come from: the sources of training data and of test sets."""

from collections.abc import Mapping

from grit.config.misspellings import close_to
from grit.config.schema import Config
from grit.core.errors import GritError
from grit.data.settings import SPLIT, DataSettings, SourceSettings


def check_sources(config: Config) -> None:
    """Raise GritError for a source that gives no rows, or whose rows would not count."""
    _check_sources("data.sources", config.data.sources)
    _check_total(config.data)
    _check_balance(config.data)
    for where, suite in (("suite.sets", config.suite), ("validation.sets", config.validation)):
        _check_sources(where, suite.sets)
        for name, source in suite.sets.items():
            for field in ("balance_counts", "apart_from_tests"):
                if getattr(source, field):
                    raise GritError(
                        _idle(f"{where}.{name}.{field}", "it is of training data alone")
                    )


def _check_total(data: DataSettings) -> None:
    """Refuse a number of rows of the source that makes up the total."""
    if data.total is None or not data.sources:
        return
    name, last = list(data.sources.items())[-1]
    if last.file is not None and last.rows is not None:
        raise GritError(
            f"config: data.sources.{name}.rows={last.rows} would change nothing: the last source "
            f"makes up the rest of data.total={data.total}; set that, or data.total=null"
        )


def _check_balance(data: DataSettings) -> None:
    """Refuse balanced counts of a source whose rows are all taken."""
    for place, (name, source) in enumerate(data.sources.items(), start=1):
        makes_up = data.total is not None and place == len(data.sources)
        if source.balance_counts and source.rows is None and not makes_up:
            why = f"all rows are taken; set data.sources.{name}.rows"
            raise GritError(_idle(f"data.sources.{name}.balance_counts", why))


def _check_sources(where: str, sources: Mapping[str, SourceSettings]) -> None:
    for name, source in sources.items():
        path = f"{where}.{name}"
        if source.file is None and source.kind is None and (close := close_to(name, sources)):
            raise GritError(f"config: {path} has no rows; did you mean {where}.{close}?")
        if (source.file is None) == (source.kind is None):
            raise GritError(f"config: {path} needs either file (JSONL) or kind (drawn scenes)")
        if source.kind is not None and source.rows is None:
            raise GritError(f"config: {path}.rows is needed: drawn scenes have no end")
        if source.rows is not None and source.rows < 1:
            raise GritError(
                f"config: {path}.rows must be at least 1, not {source.rows}; ~{path} leaves it out"
            )
        if source.file is not None and source.split != SPLIT:
            why = "it is of drawn scenes; give each split of your rows a file of its own"
            raise GritError(_idle(f"{path}.split", why))
        for field in ("images", "apart_from_tests"):
            if source.kind is not None and getattr(source, field):
                raise GritError(_idle(f"{path}.{field}", "it is of files, and kind= draws scenes"))


def _idle(setting: str, why: str) -> str:
    return f"config: {setting} would change nothing: {why}"
