"""Table 2: the test sets in numbers, as ``task=data`` counts them, beside the paper's."""

import json
from pathlib import Path
from typing import Any

from grit.core.errors import GritError
from grit.figures.exhibit import Exhibit
from grit.figures.table import MISSING, Cell, Column, Row, Section, Table, single
from grit.paper.evidence import Evidence
from grit.runs.printed import SETS, TABLE2, TABLE2_MEASURES, TestSet

FILE = "table2.json"
COLUMNS = tuple(Column("", test_set.title) for test_set in SETS)


def table2(evidence: Evidence) -> Exhibit:
    """A table for each suite that was counted."""
    tables = []
    for title, folder in evidence.folders.items():
        if (folder / FILE).exists():
            sets = _read(folder / FILE)
            notes = (*_missing_images(sets), *evidence.notes)
            tables.append(Table(title, COLUMNS, (Section("", tuple(_rows(sets))),), notes))
    if not tables:
        failed = (f"{job.suite} failed: {job.error}" for job in evidence.failed)
        notes = tuple(dict.fromkeys([*failed, *evidence.notes]))
        tables = [Table("no suite was counted", COLUMNS, (Section("", tuple(_rows({}))),), notes)]
    return Exhibit("table2", "Table 2: the test sets", tuple(tables))


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        sets = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise GritError(f"{path}: is not valid JSON: {error}") from error
    if not isinstance(sets, dict) or not all(isinstance(row, dict) for row in sets.values()):
        raise GritError(f"{path}: expected an object of sets, each an object of numbers")
    return sets


def _rows(sets: dict[str, dict[str, Any]]) -> list[Row]:
    rows = []
    for measure, (heading, digits) in TABLE2_MEASURES.items():
        rows.append(
            Row(heading, tuple(_cell(sets, test_set, measure, digits) for test_set in SETS))
        )
        cells = tuple(single(value, digits, runs=0) for value in TABLE2[measure])
        rows.append(Row("paper", cells, paper=True))
    return rows


def _cell(sets: dict[str, dict[str, Any]], test_set: TestSet, measure: str, digits: int) -> Cell:
    counts = next((sets[name] for name in test_set.names if name in sets), None)
    if counts is None or measure not in counts:
        return Cell(MISSING)
    return single(counts[measure], digits)


def _missing_images(sets: dict[str, dict[str, Any]]) -> list[str]:
    return [
        f"{name}: the images of {counts['images_missing']} rows are missing"
        for name, counts in sets.items()
        if counts.get("images_missing")
    ]
