"""The sample rows are those that its script writes."""

from pathlib import Path

from samples.drawn_rows import SIZES, files

SAMPLES = Path(__file__).parent / "samples"


def test_the_files_are_what_the_script_writes() -> None:
    """Else: python tests/samples/drawn_rows.py."""
    there = {path.name: path.read_text(encoding="utf-8") for path in SAMPLES.glob("*.jsonl")}
    assert there == files()
    for kind in ("vsr", "tallyqa"):
        assert {path.name for path in (SAMPLES / kind).iterdir()} == set(SIZES)
