"""Which runs' chains a page about many runs shows, with their images."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grit.core.errors import GritError
from grit.data.suites import TestSet, find_sets, pictures_of
from grit.pages.gallery import Gallery, gallery
from grit.pages.untrained import before_of
from grit.runs.finished import FinishedRun
from grit.runs.repetitions import MOST, repetitions

log = logging.getLogger(__name__)
BUDGET = 3_600_000  # characters of all cards; tables and curves of many runs take the rest


@dataclass(frozen=True)
class Galleries:
    """Galleries by the run's name, and what must be said about their choice."""

    of_runs: Mapping[str, Gallery]
    notes: Sequence[str]


def galleries_of(runs: Sequence[FinishedRun], names: Sequence[str]) -> Galleries:
    """One seed of each model, method and data, what was trained first."""
    shown = [places[0] for places in repetitions(runs)][:MOST]
    sets: dict[str, list[TestSet]] = {}  # by suite, because its scenes take time to draw
    found: dict[str, Gallery] = {}
    sources: dict[str, None] = {}  # the runs whose chains stand for those before, in order
    for place in shown:
        run, name = runs[place], names[place]
        suite = json.dumps(run.config.get("suite"), sort_keys=True)
        if suite not in sets:
            sets[suite] = _sets(run)
        pictures = pictures_of(sets[suite], run.pictures)
        before, source = before_of(run, runs)
        budget = BUDGET // len(shown)
        found[name] = gallery(before, run.rows(), pictures, budget=budget)
        if source is not None and found[name].sets:
            sources[names[runs.index(source)]] = None
    notes = ["One seed of each model, method and data is shown, what was trained first."]
    if sources:
        notes.append(
            "Where a run did not evaluate before training, “before” is what the untrained run of "
            f"the same model and prompt said ({', '.join(sources)})."
        )
    return Galleries(found, notes)


def _sets(run: FinishedRun) -> list[TestSet]:
    """A run's test sets, where its configuration still leads to them."""
    try:
        return find_sets(run.settings.suite)
    except GritError as error:
        log.info("%s: the chains are shown without their images: %s", run.folder, error)
        return []
