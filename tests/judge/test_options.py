import pytest

from grit.judge.judge import Query
from grit.judge.options import (
    leading,
    letters_in,
    named,
    only_letter,
    options_in,
    with_texts_for_marks,
    without_options,
)
from grit.judge.rules import is_right

COLORS = {"A": "red", "B": "blue", "C": "dark green"}


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("Which?\nChoices:\n(A) red\n(B) blue\n(C) Dark green.", COLORS),
        ("Which? (A) red (B) blue (C) dark green", COLORS),
        ("Which? (a) red, (b) blue or (c) dark green", COLORS),
        ("Which?\nA. red\nB. blue\nC. dark green\nAnswer with the letter.", COLORS),
        ("Which?\nA) red\nB) blue\nC) dark green", COLORS),
        ("Which?\nA: red\nB: blue\nC: dark green", COLORS),
        ("(A) 3 (B) 4 come first. Which?\n(A) red\n(B) blue\n(C) dark green", COLORS),
        (
            "Hint: the option letter, e.g., A, B, C, D.\n(A) 145°\n(B) 1,000",
            {"A": "145", "B": "1000"},
        ),
        ("Choices:\n(A) (c)\n(B) (a)\n(C) (b)", {"A": "c", "B": "a", "C": "b"}),
        ("Choices:\n(A) sample B\n(B) sample A", {"A": "sample b", "B": "sample a"}),
        ("What is at point (A)?", {}),  # one is no list
        ("From (B) to (C), how far?", {}),  # not from A
        ("Is the dog left or right?", {}),
        ("", {}),
    ],
)
def test_options_in(question, options):
    assert options_in(question) == options


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("B", "B"),
        ("b", "B"),
        (" (b). ", "B"),
        ("B.", "B"),
        ("B: red", "B"),
        ("b) red", "B"),
        ("(B) red", "B"),
        ("The answer is B", "B"),
        ("the answer is b.", "B"),
        ("option c", "C"),
        ("A", "A"),
        ("A dog", ""),
        ("a dog", ""),
        ("A: dog", "A"),
        ("A and B", "AB"),
        ("A B C", "ABC"),
        ("A, B, C", "ABC"),
        ("(A)(B)", "AB"),
        ("a) b) c)", "ABC"),
        ("vitamin B12", ""),
        ("It's red", ""),
        ("red", ""),
        ("", ""),
    ],
)
def test_letters_in(text, letters):
    assert letters_in(text) == set(letters)


def test_only_letter():
    assert only_letter("(b).") == "B"
    assert only_letter("b c") is None
    assert only_letter("7") is None


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("red", "A"),
        ("A", "A"),
        ("(C) dark green", "C"),
        ("it is dark green", "C"),
        ("B: red", "AB"),
        ("red or blue", "AB"),
        ("A B C", "ABC"),
        ("green", ""),
        ("D", ""),
    ],
)
def test_named(text, letters):
    assert named(text, COLORS) == set(letters)


def test_the_longer_of_two_options_is_meant():
    options = {"A": "quarter", "B": "quarter past", "C": "sample a"}
    assert named("it is quarter past", options) == {"B"}
    assert named("it is a quarter", options) == {"A"}
    assert named("it is sample A", options) == {"C"}


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B. blue. It is the colour of the sky.", "B"),
        ("(B)", "B"),
        ("**B. blue**", "B"),
        ("(A) The flag in the picture has the colour of blood.", "A"),
        ("B: red", None),  # the text of another
        ("(A) or (B)", None),
        ("A. red B. blue", None),
        ("(B) is wrong", None),
        ("B or C", None),
        ("B, C", None),
        ("D. green", None),  # there is none
        ("The answer is B", None),  # not at the start
        ("", None),
    ],
)
def test_leading(text, letter):
    assert leading(text, COLORS) == letter


def test_options_that_are_letters_have_no_leading_one():
    assert leading("(c) because of its shape", {"A": "c", "B": "a", "C": "b"}) is None


ANGLE = "∠1 = 52° and ∠2＝10°. Find ∠3.\nChoices:\n(A) 28\n(B) 38\n(C) 52\n(D) 62"
RHOMBUS = "In a rhombus AC = 6 and BD is 8. Its perimeter?\nChoices:\n(A) 14\n(B) 20\n(C) 24"
YEAR = "What was the value in 2010?\nA. 20\nB. 30"


def test_without_options():
    assert without_options(YEAR) == "What was the value in 2010?\n"
    assert without_options("Find ∠3.") == "Find ∠3."


@pytest.mark.parametrize(
    ("question", "truth", "text", "right"),
    [
        (ANGLE, "38", "B. ∠3 = 38", True),
        (ANGLE, "38", "(B) ∠3 = 38", True),
        (ANGLE, "38", "The measure of ∠3 is 38.", True),
        (ANGLE, "38", "B. ∠3 = 38 since the lines are parallel.", True),
        (ANGLE, "B", "m∠3 is about 38°, so the answer is (B).", True),
        (ANGLE, "B", "The measure of \\angle 3 is 38 degrees, option B.", True),
        (ANGLE, "38", "∠3 = 28", False),
        (ANGLE, "38", "(A) ∠3 = 38", False),
        (ANGLE, "38", "∠1 = 38", False),  # the question says what that one is
        (ANGLE, "38", "∠2 = 38", False),
        (ANGLE, "38", "∠4 = 38", False),
        (ANGLE, "38", "3, 38", False),
        (ANGLE, "38", "∠3 = 40, ∠3 = 38", False),
        (ANGLE, "38", "∠3 = 3, 38", False),
        (ANGLE, "38", "38 = 3", False),
        (ANGLE, "38", "∠3 is not 38", False),
        (ANGLE, "38", "∠3 = 38 or 52", False),
        (RHOMBUS, "20", "6, 8, 20", False),
        (RHOMBUS, "20", "The perimeter is 8 and the side is 20.", False),
        (YEAR, "30", "In 2010 the value was 30.", True),
        (YEAR, "30", "In 2011 the value was 30.", False),
        (YEAR, "30", "In 2010 the value was 20.", False),
        (YEAR, "30", "2010 30", False),
    ],
)
def test_numbers_that_the_question_names(question, truth, text, right):
    assert is_right(Query(question, truth, text)) is right


AREA = "What is the area?\nChoices:\n(A) 24\n(B) 30\n(C) 2"
CURVE = "Which curve is it?\nChoices:\n(A) y = x\n(B) y = x^2\n(C) y = x^3"


@pytest.mark.parametrize(
    ("question", "truth", "text", "right"),
    [
        (AREA, "24", "A. 24 cm^2", True),
        (AREA, "24", "24 cm^2", True),
        (AREA, "24", "The area is 24 \\text{cm}^{2}.", True),
        (AREA, "24", "30 cm^2", False),
        (AREA, "24", "B. 24 cm^2", False),
        (AREA, "24", "24^2", False),
        (AREA, "24", "A^2 cm", False),  # no option's letter
        (AREA, "2", "24 cm^2", False),
        ("What is the area?", "24", "24 cm^2", True),
        ("What is the area?", "24", "The area is 24 cm^2.", True),
        ("What is the area?", "24", "24 cm²", True),
        ("What is the area?", "24", "4^2 cm", False),
        ("What is the area?", "2", "24 cm^2", False),
        ("What is the area?", "2", "cm^2", False),
        ("What is the area?", "24 cm²", "The area is 24 cm^2.", True),
        ("What is the area?", "24 cm^2", "The area is 24 cm^3.", False),
        ("What is the area?", "24 cm^2", "24 cm", False),
        (CURVE, "y = x^2", "y = x^2", True),
        (CURVE, "y = x^2", "It is y = x².", True),
        (CURVE, "y = x^2", "y = x", False),
        (CURVE, "y = x^2", "y = x^3", False),
        (CURVE, "y = x", "y = x^2", False),
    ],
)
def test_a_power_is_part_of_its_word(question, truth, text, right):
    assert is_right(Query(question, truth, text)) is right


ANOTHER_ORDER = "Which colour?\nChoices:\n(A) (c)\n(B) (a)\n(C) (e)\n(D) (d)\n(E) (b)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("B", "((a))"),
        ("(E)", "(((b)))"),
        ("The answer is D.", "The answer is ((d))."),
        ("(b)", "(b)"),
        ("Image B", "Image B"),  # not the mark, but a name in the picture
        ("A colour", "A colour"),
        ("I think F", "I think F"),
        ("", ""),
    ],
)
def test_with_texts_for_marks(text, told):
    assert with_texts_for_marks(text, ANOTHER_ORDER) == told


@pytest.mark.parametrize(
    "question",
    ["Which?", YEAR, "(A) B (B) A", "(a) b (b) a", "(A) a (B) B", "(A) 60-k (B) k", "(A) x (B) 2"],
)
def test_marks_of_other_options_stay(question):
    assert with_texts_for_marks("The answer is B.", question) == "The answer is B."


@pytest.mark.parametrize("truth", ["(b)", "b", "E"])
def test_the_case_tells_a_mark_from_a_text(truth):
    right = ["E", "(E)", "The answer is E.", "Option E", "(b)", "b", "b.", "(E) (b)", "E. (b)"]
    right += ["E: b", "\\boxed{E}", "E. This colour is the palest.", "option E, (b)", "Image B"]
    wrong = ["B", "(B)", "The answer is B.", "Option B", "(a)", "a", "A", "(B) (b)", "B. (b)"]
    wrong += ["E. (a)", "B or E", "E or B", "B and E", "not E", "E, B", "A B C D E", "(e)", "e"]
    wrong += ["B. This colour is the palest.", "The answer is (e).", "(d)", "D", "Image E"]
    for text in right:
        assert is_right(Query(ANOTHER_ORDER, truth, text)), text
    for text in wrong:
        assert not is_right(Query(ANOTHER_ORDER, truth, text)), text
