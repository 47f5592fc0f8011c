import pytest

from grit.figures.axes import Axes, Frame, short, ticks
from grit.figures.chart import Point

FRAME = Frame(120, 100, left=10, right=10, top=0, bottom=0)


def test_numbers_are_short() -> None:
    found = [short(value) for value in (0, 0.7341, 12.55, 1250, 2e-6, -0.5)]
    assert found == ["0", "0.734", "12.6", "1,250", "2e-06", "-0.5"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, (0, 0.5, 1)), (0, 2.3, (0, 1, 2, 3)), (-0.1, 0.1, (-0.1, 0, 0.1)), (5, 5, (5, 5.5, 6))],
)
def test_ticks_are_round_and_hold_all_values(
    low: float, high: float, expected: tuple[float, ...]
) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_a_path_goes_through_its_points_and_breaks_at_gaps() -> None:
    axes = Axes(FRAME, (0, 2), (0, 10))
    points = [Point(0, 0), Point(1, 10), Point(1.5, None), Point(2, 99)]
    assert axes.path(points) == "M10 100L60 0M110 0"  # what lies outside stands at the edge
    assert axes.area(points[:2], [Point(0, 5), Point(1, 10)]) == "M10 50L60 0L60 0L10 100Z"


def test_a_logarithmic_axis() -> None:
    axes = Axes(FRAME, (1, 100), (0, 1), log_x=True)
    assert [axes.x(value) for value in (1, 10, 100)] == [10, 60, 110]
    assert Axes(FRAME, (7, 7), (0, 1), log_x=True).x(7) == 60
