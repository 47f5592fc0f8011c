"""The note that is shown with ACC of ``judge=rules`` on answers about photographs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grit.runs.results import Results

BY_RULES = (
    "judge=rules: ACC is by a strict text rule, not the paper's GPT-4o; it is not to be compared "
    "with the paper's numbers (docs/judging_by_rules.md)."
)
_DRAWN = "shapes"


def is_drawn(suite: str) -> bool:
    """Whether a suite, by its name, has drawn scenes, whose answers rules can judge."""
    return suite.startswith(_DRAWN)


def judging_note(runs: "Iterable[Results]") -> str | None:
    """``BY_RULES`` if rules judged answers about photographs in any run with a known suite."""
    by_rules = any(
        run.judge == "rules" and run.suite is not None and not is_drawn(run.suite) for run in runs
    )
    return BY_RULES if by_rules else None
