import pytest

from grit.grounding.box_contexts import contexts_in


@pytest.mark.parametrize(
    ("text", "contexts"),
    [
        ("nothing", []),
        ("the dog [1, 2, 3, 4] beside a cat [5, 6, 7, 8].", ["the dog [", "] beside a cat ["]),
        (
            '[{"bbox_2d": [1, 2, 3, 4], "label": "dog"}, {"bbox_2d": [5, 6, 7, 8]}]',
            ['{"bbox_2d": [1, 2, 3, 4], "label": "dog"', '{"bbox_2d": [5, 6, 7, 8]'],
        ),
        ("dogs: [1, 2, 3, 4][5, 6, 7, 8]", ["dogs: [", "]["]),
    ],
)
def test_words_belong_to_a_box_by_braces_or_by_place(text: str, contexts: list[str]) -> None:
    assert contexts_in(text) == contexts
