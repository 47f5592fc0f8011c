import itertools
import xml.etree.ElementTree as ET

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.figures.chart import Chart, Panel, Point, Series, points_of
from grit.figures.svg import HEAD, HEIGHT, WIDTH, chart_svg

SVG = "{http://www.w3.org/2000/svg}"
GRIT = ("grit",)


def parsed(chart: Chart) -> ET.Element:
    return ET.fromstring(chart_svg(chart))


def bars(root: ET.Element) -> list[ET.Element]:
    return [each for each in root.iter(f"{SVG}rect") if each.get("rx") == "2"]


def of_class(root: ET.Element, kind: str, name: str) -> list[ET.Element]:
    return [each for each in root.iter(SVG + kind) if name in (each.get("class") or "").split()]


def lines(*series: Series) -> Panel:
    return Panel("p", series)


def test_an_interval_ends_at_the_edge_of_the_frame() -> None:
    panel = Panel("p", (Series("a", (Point(0, *Estimate(0.8, -0.5, 2.1, 2)[:3]),)),), GRIT)
    root = parsed(Chart("t", "n", (panel,), "y", top=1))
    (whisker,) = of_class(root, "line", "whisker")
    grid = [line.get("y1") for line in of_class(root, "line", "grid")]
    assert [whisker.get("y1"), whisker.get("y2")] == [grid[0], grid[-1]]


def test_bars_stand_as_high_as_their_means() -> None:
    series = (
        Series("a", (Point(0, 1.0, 0.9, 1.0), Point(1, 0.25))),
        Series("b", (Point(0, 0.5, 0.4, 0.6), Point(1, None))),
    )
    panel = Panel("p", series, ("grit", "icl"))
    chart = Chart("A & <title>", "note", (panel,), "y", reference=(0.5, "c"), top=1)
    root = parsed(chart)
    heights = [float(bar.get("height", "")) for bar in bars(root)]
    assert heights == pytest.approx([heights[0], heights[0] / 4, heights[0] / 2], abs=0.1)
    assert len(of_class(root, "line", "whisker")) == 2
    (reference,) = of_class(root, "line", "reference")
    assert float(reference.get("y1", "")) == float(bars(root)[2].get("y", ""))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert "A & <title>" in texts
    assert {"grit", "icl", "a", "b", "0.25"} <= set(texts)
    for bar in bars(root):
        x = float(bar.get("x", ""))
        assert 0 <= x <= WIDTH - float(bar.get("width", ""))


def test_lines_break_where_there_is_no_value() -> None:
    panel = lines(
        Series("a", points_of((1.0, None, 2.0, 3.0))), Series("b", points_of((None,) * 4))
    )
    root = parsed(Chart("t", "n", (panel,), "y", x_label="x"))
    (path,) = of_class(root, "path", "line")
    assert path.get("d", "").count("M") == 2
    assert path.get("d", "").count("L") == 1
    assert len(of_class(root, "path", "mark")) == 1  # of the value between two gaps


def test_panels_stand_under_one_another() -> None:
    panel = lines(Series("a", points_of((0.001, 0.002))))
    root = parsed(Chart("t", "n", (panel, panel, panel), "y"))
    assert root.get("height") == str(HEAD + 3 * HEIGHT)
    offsets = [g.get("transform") for g in root.iter(f"{SVG}g")][1:]  # the first is the legend
    assert offsets == [f"translate(0,{HEAD + n * HEIGHT})" for n in range(3)]


def test_panels_side_by_side_share_an_axis_that_fits_their_values() -> None:
    series = [Series("a", (Point(20, at, at - 1, at + 1), Point(7000, at + 2))) for at in (50, 70)]
    chart = Chart("t", "n", tuple(map(lines, series)), "y", across=True, log_x=True)
    root = parsed(chart)
    assert root.get("height") == str(HEAD + HEIGHT)
    offsets = [g.get("transform", "") for g in root.iter(f"{SVG}g")][1:]
    assert len({offset.split(",")[0] for offset in offsets}) == 2
    texts = [each.text or "" for each in root.iter(f"{SVG}text")]
    assert texts.count("40") == texts.count("80") == 2  # both panels' least and largest tick
    assert "0" not in texts
    assert texts.count("20") == texts.count("7000") == 2
    assert len(of_class(root, "line", "whisker")) == 2


def test_a_chart_without_values_is_still_a_picture() -> None:
    nothing = Panel("p", (Series("a", (Point(0, None),)),), GRIT)
    assert bars(parsed(Chart("t", "n", (nothing,), "y"))) == []
    parsed(Chart("t", "n", (), "y"))
    parsed(Chart("t", "n", (lines(), lines()), "y", across=True, log_x=True))


def test_both_grounds_have_their_colours() -> None:
    text = chart_svg(Chart("t", "n", (), "y"))
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text


def test_names_that_do_not_fit_side_by_side_are_slanted_within_the_drawing() -> None:
    names = ("Few-shot fine-tuning", *(f"reward=visual_rft {n}" for n in range(15)))
    series = (Series("a", tuple(Point(place, 0.5) for place in range(16))),)
    root = parsed(Chart("t", "n", (Panel("p", series, names), Panel("q", series, names)), "y"))
    shown = [each for each in root.iter(f"{SVG}text") if each.text in names]
    assert {each.get("text-anchor") for each in shown} == {"end"}
    assert all("rotate(-40" in (each.get("transform") or "") for each in shown)
    for name, text in zip(names, shown, strict=False):
        assert float(text.get("x", "")) - 0.77 * 6.4 * len(name) > 0
        assert (
            float(text.get("y", "")) + 0.64 * 6.4 * len(name)
            < (float(root.get("height", "")) - HEAD) / 2
        )
    places = [float(each.get("x", "")) for each in shown[:16]]
    assert min(b - a for a, b in itertools.pairwise(places)) * 0.64 > 12  # a line's height


def test_a_very_long_name_leaves_room_for_the_bars() -> None:
    names = ("GRIT: " + "training.objective.aggregation=token_mean, " * 4, "GRIT")
    panel = Panel("p", (Series("a", (Point(0, 0.5), Point(1, 0.5))),), names)
    root = parsed(Chart("t", "n", (panel,), "y"))
    assert all(float(bar.get("width", "")) > 10 for bar in bars(root))
    assert [each.text for each in root.iter(f"{SVG}text") if (each.text or "").endswith("…")]
