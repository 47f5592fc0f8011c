import pytest

from grit.data.shapes.descriptions import described, term_in
from grit.data.shapes.questions import Term


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("<think> red circle [", Term("circle", "red")),
        ("is the red circle left of Two Blue Things", Term(None, "blue")),
        ('{"bbox_2d": [masked], "label": "crosses"', Term("cross")),
        ("something green, ", Term(None, "green")),
        ("a thing", Term()),
        ("a dog", None),
        ("", None),
    ],
)
def test_descriptions_are_read(text: str, term: Term | None) -> None:
    assert term_in(text) == term


def test_a_box_without_words_has_the_description_of_the_last() -> None:
    assert described(["dogs: [", "], circles [", "], ["]) == [None, Term("circle"), Term("circle")]
