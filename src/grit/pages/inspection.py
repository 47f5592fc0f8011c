"""The table of ``task=check``: what a run would be, what it would cost, what is wrong with it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from grit.figures.table import Cell, Column, Row, Section, Table
from grit.figures.terminal_format import print_table
from grit.training.costs import GPUS


def print_inspection(found: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what is in ``check.json``."""
    rows = tuple(Row(label, (Cell(text),)) for label, text in _rows(found))
    print_table(Table("", (Column("", "", words=True),), (Section("", rows),)), console)


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "model", f"{found['model']} ({found['path']})"
    if "family" in found:
        yield from _vocabulary(found)
    if "prompts" in found:
        yield from _prompts(found)
    if "memory_gb" in found:
        yield from _costs(found)
    if found["judge_calls"]:
        cost = found["judge_cost"]
        money = "no price is configured" if cost is None else f"about ${cost:,.2f}"
        calls = f"at most {found['judge_calls']:,} calls of {found['judge']}, {money}"
        yield "judge", f"{calls}; answers that repeat are asked about once"
    else:
        yield "judge", f"{found['judge']}: nothing is asked"
    for problem in found["problems"] or ["none found"]:
        yield "problem" if found["problems"] else "problems", problem


def _vocabulary(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    forbidden = found["forbidden_ids"]
    yield "family", found["family"]
    yield "vocabulary", f"{found['vocabulary']:,} rows of the head"
    yield "never sampled", f"{forbidden['n']:,} ids, the largest {forbidden['max']}"
    ends = zip(found["end_ids"], found["end_tokens"], strict=True)
    yield "ends a completion", ", ".join(f"{id_} {text}" for id_, text in ends)
    yield "</answer>", f"tokens {found['stop_tokens']}, whatever follows in the last one"
    yield "a box", " | ".join(found["box_tokens"])


def _prompts(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tokens, asked = found["prompt_tokens"], found["questions"]
    yield "questions", f"{asked['training']:,} to train on, {asked['test']:,} to test on"
    yield "prompt tokens", f"mean {tokens['mean']:.0f}, max {tokens['max']:,}"
    for prompt in found["prompts"]:
        space = prompt["space"]
        tiles = "" if prompt["tiles"] is None else f" (tiles: {prompt['tiles']})"
        yield (
            f"prompt of {prompt['id']}",
            f"image {_size(prompt['image'])}{tiles}: {prompt['image_tokens']} tokens, "
            f"{prompt['tokens']} with the text; boxes in {space['name']} "
            f"{_size((space['width'], space['height']))}",
        )
        if prompt["box"]:
            there = prompt["box"]
            yield (
                "",
                f"box {_corners(there['annotated'])} is written {_corners(there['written'])} and "
                f"read {_corners(there['read'])}",
            )
        yield "", prompt["text"].rstrip("\n")


def _costs(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    gigabytes = found["memory_gb"]
    parts = ", ".join(f"{name} {value:g}" for name, value in gigabytes.items() if name != "total")
    yield "parameters", f"{found['parameters']:,}, of which {found['learning']:,} learn"
    has = GPUS[found["gpu"]].memory
    fits = "" if gigabytes["total"] <= has else f": MORE than the {has:g} GB of one {found['gpu']}"
    yield "memory (estimate)", f"{gigabytes['total']:g} GB for each device ({parts}){fits}"
    if found["seconds_per_step"] is not None:
        hours = found["seconds_per_step"] * found["steps"] / 3600
        yield (
            "time (estimate)",
            f"{found['seconds_per_step']:,} s a step on one {found['gpu']} where every completion "
            f"is as long as it may be, {found['steps']} steps in {hours:.1f} h",
        )
    if found["seconds_per_evaluation"] is not None:
        minutes = found["seconds_per_evaluation"] / 60
        lasts = "less than a minute" if minutes < 1 else f"{minutes:,.0f} min"
        yield "", f"{lasts} for an evaluation of all questions, likewise"


def _size(size: Sequence[float]) -> str:
    return " x ".join(f"{side:g}" for side in size)


def _corners(corners: Sequence[float]) -> str:
    return f"[{', '.join(f'{corner:g}' for corner in corners)}]"
