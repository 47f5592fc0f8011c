import xml.etree.ElementTree as ET

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.pages.charts import HEAD, HEIGHT, WIDTH, BarGroup, Chart, Line, Panel, chart_svg

SVG = "{http://www.w3.org/2000/svg}"


def parsed(chart: Chart) -> ET.Element:
    return ET.fromstring(chart_svg(chart))


def bars(root: ET.Element) -> list[ET.Element]:
    return [each for each in root.iter(f"{SVG}rect") if each.get("rx") == "2"]


def test_an_interval_ends_at_the_edge_of_the_frame() -> None:
    groups = (BarGroup("grit", (Estimate(0.8, -0.5, 2.1, 2),)),)
    root = parsed(Chart("t", "n", ("a",), (Panel("p", groups),), "y", top=1))
    (whisker,) = (line for line in root.iter(f"{SVG}line") if line.get("class") == "whisker")
    grid = [line.get("y1") for line in root.iter(f"{SVG}line") if line.get("class") == "grid"]
    assert [whisker.get("y1"), whisker.get("y2")] == [grid[0], grid[-1]]


def test_bars_stand_as_high_as_their_means() -> None:
    groups = (
        BarGroup("grit", (Estimate(1.0, 0.9, 1.0, 9), Estimate(0.5, 0.4, 0.6, 9))),
        BarGroup("icl", (Estimate(0.25, None, None, 1), None)),
    )
    chart = Chart(
        "A & <title>", "note", ("a", "b"), (Panel("p", groups),), "y", reference=(0.5, "c"), top=1
    )
    root = parsed(chart)
    heights = [float(bar.get("height", "")) for bar in bars(root)]
    assert heights == pytest.approx([heights[0], heights[0] / 2, heights[0] / 4], abs=0.1)
    assert len([line for line in root.iter(f"{SVG}line") if line.get("class") == "whisker"]) == 2
    (reference,) = [each for each in root.iter(f"{SVG}line") if each.get("class") == "reference"]
    assert float(reference.get("y1", "")) == float(bars(root)[1].get("y", ""))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert "A & <title>" in texts
    assert {"grit", "icl", "a", "b", "0.25"} <= set(texts)
    for bar in bars(root):
        x = float(bar.get("x", ""))
        assert 0 <= x <= WIDTH - float(bar.get("width", ""))


def test_lines_break_where_there_is_no_value() -> None:
    lines = (Line((1.0, None, 2.0, 3.0)), Line((None,) * 4))
    root = parsed(Chart("t", "n", ("a", "b"), (Panel("p", lines=lines),), "y", x_label="x"))
    (path,) = root.iter(f"{SVG}path")
    assert path.get("d", "").count("M") == 2
    assert path.get("d", "").count("L") == 1


def test_panels_stand_under_one_another() -> None:
    panel = Panel("p", lines=(Line((0.001, 0.002)),))
    root = parsed(Chart("t", "n", ("a",), (panel, panel, panel), "y"))
    assert root.get("height") == str(HEAD + 3 * HEIGHT)
    offsets = [g.get("transform") for g in root.iter(f"{SVG}g")][1:]  # the first is the legend
    assert offsets == [f"translate(0,{HEAD + n * HEIGHT})" for n in range(3)]


def test_a_chart_without_values_is_still_a_picture() -> None:
    nothing = BarGroup("grit", (Estimate(None, None, None, 0),))
    assert bars(parsed(Chart("t", "n", ("a",), (Panel("p", (nothing,)),), "y"))) == []
    parsed(Chart("t", "n", ("a",), (), "y"))


def test_both_grounds_have_their_colours() -> None:
    text = chart_svg(Chart("t", "n", ("a",), (), "y"))
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text
