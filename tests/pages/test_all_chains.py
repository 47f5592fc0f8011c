"""``chains.html``: every chain of a run, with what it takes to find one."""

import re

from finished_runs import ROWS, drawn_rows
from PIL import Image

from grit.pages.all_chains import PER_PAGE, render_all_chains

SCENE = Image.new("RGB", (96, 96), "red")


def test_every_chain_is_there_with_its_kind_and_picture() -> None:
    before, after = drawn_rows(range(ROWS)), drawn_rows([1])
    text = render_all_chains("a run", before, after, lambda *_: SCENE)
    kinds = re.findall(r'<article class="card (\w+)"', text)
    assert sorted(kinds) == ["bad"] + ["fixed"] * (ROWS - 1)
    assert text.count("data:image/png") == ROWS
    assert f'data-per-page="{PER_PAGE}"' in text
    for part in ("data-search", 'class="pager"', "data-turn"):
        assert part in text
    assert "without their pictures" not in text


def test_pictures_beyond_the_budget_are_not_asked_for() -> None:
    asked = []
    text = render_all_chains(
        "a run", {}, drawn_rows(), lambda *key: asked.append(key) or SCENE, budget=200
    )
    assert len(asked) < ROWS
    assert text.count("<article") == ROWS
    assert "without their pictures" in text


def test_a_name_is_no_markup() -> None:
    text = render_all_chains("<script>alert(1)</script>", {}, drawn_rows(), lambda *_: None)
    assert "<script>alert" not in text
