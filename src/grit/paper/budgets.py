"""What trainings may spend: rows with other budgets are compared only where a note says so."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from grit.paper.evidence import Run
from grit.paper.grouping import Groups, Variant, labels

BUDGET = (
    *("trainer.max_steps", "training.prompts_per_step", "training.group_size"),
    *("training.updates_per_rollout", "training.learning_rate", "model.adaptation"),
)


def budget_of(runs: Sequence[Run]) -> tuple[Any, ...] | None:
    """The values of `BUDGET` of a row's runs, which are alike; None where they do not say."""
    values = tuple(_setting(runs[0].config, path) for path in BUDGET)
    return None if all(value is None for value in values) else values


def budget_notes(groups: Groups, paths: Sequence[str] = BUDGET) -> Iterator[str]:
    """Which rows of GRIT, of one model, differ in settings that say what a training may spend.

    Args:
        groups: the rows.
        paths: dotted names of the settings that are looked at.
    """
    named = labels(groups)
    for model in dict.fromkeys(variant.model for variant in groups):
        own = {v: groups[v][0].config for v in groups if v.model == model and v.method == "grit"}
        for path in paths:
            rows: dict[Any, list[str]] = {}
            for variant, config in own.items():
                if (value := _setting(config, path)) is not None:
                    rows.setdefault(value, []).append(named[variant])
            if len(rows) > 1:
                numbers = all(isinstance(value, int | float) for value in rows)
                ordered = sorted(rows) if numbers else [*rows]
                said = "; ".join(f"{value} of {', '.join(rows[value])}" for value in ordered)
                yield f"The rows of {model} differ in {path}: {said}."


def alike(groups: Groups, sizes: Mapping[int, Iterable[Variant]]) -> dict[int, Variant]:
    """The one variant of each size that may stand on a curve with those of the other sizes.

    They have the budget that most sizes have. A size with several such variants, or none, is left
    out; so are budgets that as many sizes have, where no one of them can be preferred.
    """
    known = {
        size: [(v, budget_of(groups[v])) for v in variants] for size, variants in sizes.items()
    }
    shared = Counter(budget for found in known.values() for budget in {b for _, b in found})
    ranked = shared.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return {}
    fitting = {size: [v for v, b in found if b == ranked[0][0]] for size, found in known.items()}
    return {size: found[0] for size, found in fitting.items() if len(found) == 1}


def _setting(config: Mapping[str, Any], path: str) -> Any:
    """A setting of a stored configuration; None where it has none."""
    node: Any = config
    for name in path.split("."):
        node = node.get(name) if isinstance(node, Mapping) else None
    return node
