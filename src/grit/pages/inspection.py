"""The table of ``task=check``: what a run would be, what it would cost, what is wrong with it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from grit.figures.table import Cell, Column, Row, Section, Table
from grit.figures.terminal_format import print_table
from grit.training.costs import GPUS


def print_inspection(record: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what is in ``check.json``."""
    rows = tuple(Row(label, (Cell(text),)) for label, text in _rows(record))
    print_table(Table("", (Column("", "", words=True),), (Section("", rows),)), console)


def _rows(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "model", f"{record['model']} ({record['path']})"
    if "family" in record:
        yield from _vocabulary(record)
    if "prompts" in record:
        yield from _prompts(record)
    if "memory_gb" in record:
        yield from _costs(record)
    if record["judge_calls"]:
        cost = record["judge_cost"]
        money = "no price is configured" if cost is None else f"about ${cost:,.2f}"
        calls = f"at most {record['judge_calls']:,} calls of {record['judge']}, {money}"
        yield "judge", f"{calls}; answers that repeat are asked about once"
    else:
        yield "judge", f"{record['judge']}: nothing is asked"
    for problem in record["problems"] or ["none found"]:
        yield "problem" if record["problems"] else "problems", problem


def _vocabulary(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    forbidden = record["forbidden_ids"]
    yield "family", record["family"]
    yield "vocabulary", f"{record['vocabulary']:,} rows of the head"
    yield "never sampled", f"{forbidden['n']:,} ids, the largest {forbidden['max']}"
    ends = zip(record["end_ids"], record["end_tokens"], strict=True)
    yield "ends a completion", ", ".join(f"{id_} {text}" for id_, text in ends)
    yield "</answer>", f"tokens {record['stop_tokens']}, whatever follows in the last one"
    yield "a box", " | ".join(record["box_tokens"])


def _prompts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tokens, asked = record["prompt_tokens"], record["questions"]
    yield "questions", f"{asked['training']:,} to train on, {asked['test']:,} to test on"
    yield "prompt tokens", f"mean {tokens['mean']:.0f}, max {tokens['max']:,}"
    for prompt in record["prompts"]:
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


def _costs(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    gigabytes = record["memory_gb"]
    parts = ", ".join(f"{name} {value:g}" for name, value in gigabytes.items() if name != "total")
    yield "parameters", f"{record['parameters']:,}, of which {record['learning']:,} learn"
    has = GPUS[record["gpu"]].memory
    fits = "" if gigabytes["total"] <= has else f": MORE than the {has:g} GB of one {record['gpu']}"
    yield "memory (estimate)", f"{gigabytes['total']:g} GB for each device ({parts}){fits}"
    of = "one" if record["devices"] == 1 else f"each of {record['devices']}"
    if record["recomputed_layers"]:
        yield "", f"with gradient checkpointing in {record['recomputed_layers']} layers"
    if not record["sampling_counted"]:
        yield "", "without what vLLM's servers take to draw completions"
    if record["seconds_per_step"] is not None:
        hours = record["seconds_per_step"] * record["steps"] / 3600
        yield (
            "time (estimate)",
            f"{record['seconds_per_step']:,} s a step on {of} {record['gpu']} where every "
            f"completion is as long as it may be, {record['steps']} steps in {hours:.1f} h",
        )
    if record["seconds_per_evaluation"] is not None:
        minutes = record["seconds_per_evaluation"] / 60
        yield "", f"{_lasting(minutes)} for an evaluation of all questions, likewise"
    if record["validations"] and record["seconds_per_validation"] is not None:
        minutes = record["seconds_per_validation"] / 60
        yield (
            "",
            f"{_lasting(minutes)} for each validation, of which there are {record['validations']}",
        )


def _lasting(minutes: float) -> str:
    return "less than a minute" if minutes < 1 else f"{minutes:,.0f} min"


def _size(size: Sequence[float]) -> str:
    return " x ".join(f"{side:g}" for side in size)


def _corners(corners: Sequence[float]) -> str:
    return f"[{', '.join(f'{corner:g}' for corner in corners)}]"
