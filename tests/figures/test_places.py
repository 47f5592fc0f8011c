import pytest

from grit.figures.places import without_places


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "skipped: all 491 images are missing in /home/me/data/grit/tallyqa",
            "skipped: all 491 images are missing in .../grit/tallyqa",
        ),
        (
            "/a/b/c/d.jsonl is missing; see (/a/b/grit.log)",
            ".../c/d.jsonl is missing; see (.../b/grit.log)",
        ),
        ("/data/x: and '/home/me/r_1-2/', twice", ".../x: and '.../me/r_1-2', twice"),
        ("in runs/a/b, ./c/d, ../e/f and ~/g/h", "in runs/a/b, ./c/d, ../e/f and ~/g/h"),
        (
            "http://localhost:8000/v1/chat and wandb:me/grit",
            "http://localhost:8000/v1/chat and wandb:me/grit",
        ),
        ("</think> yes/no, 1/2 / 3", "</think> yes/no, 1/2 / 3"),
    ],
)
def test_only_paths_from_the_root_are_cut_short(text: str, shown: str) -> None:
    assert without_places(text) == shown
