"""What the words of a question say."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.data.wording.answer_sentences import answer_sentence, named_thing, search_phrase
from grit.data.wording.counted import counted_thing
from grit.data.wording.nouns import things_named
from grit.data.wording.number import is_plural, plural, singular

NUMBERS = {
    "dogs": "dog", "people": "person", "women": "woman", "firemen": "fireman", "feet": "foot",
    "buses": "bus", "glasses": "glass", "dishes": "dish", "benches": "bench", "boxes": "box",
    "houses": "house", "horses": "horse", "vases": "vase", "babies": "baby", "ties": "tie",
    "cookies": "cookie", "knives": "knife", "shelves": "shelf", "tomatoes": "tomato",
    "shoes": "shoe", "canoes": "canoe", "skis": "ski", "sheep": "sheep", "cds": "cd",
    "zebras": "zebra", "toys": "toy", "lenses": "lens", "children": "child", "mice": "mouse",
}  # fmt: skip


@pytest.mark.parametrize(("many", "one"), NUMBERS.items())
def test_number(many: str, one: str) -> None:
    assert singular(many) == one
    assert plural(one) == many
    assert singular(one) == one
    assert plural(many) == many
    assert is_plural(many) is (many != "sheep")


@pytest.mark.parametrize("word", ["bus", "glass", "tennis", "scissors", "pants", "specimen", "gas"])
def test_what_only_looks_like_a_plural(word: str) -> None:
    assert singular(word) == word


@pytest.mark.parametrize(
    ("question", "one", "many", "where"),
    [
        ("How many chairs are there?", "chair", "chairs", "in the image"),
        ("how many people are in this photo?", "person", "people", "in the image"),
        ("How many dogs are on the couch?", "dog", "dogs", "on the couch"),
        ("How many people are wearing hats?", "person", "people", "wearing hats"),
        ("How many people wearing hats are there?", "person wearing hats", "people wearing hats",
         "in the image"),
        ("How many slices of pizza do you see?", "slice of pizza", "slices of pizza",
         "in the image"),
        ("How many parking meters are shown?", "parking meter", "parking meters", "in the image"),
        ("How many wine glasses are next to the plate?", "wine glass", "wine glasses",
         "next to the plate"),
        ("How many of the boys are seated?", "boy", "boys", "seated"),
        ("How many people are in the water in the background?", "person", "people",
         "in the water in the background"),
        ("How many sheep can be seen?", "sheep", "sheep", "in the image"),
        ("How many giraffe are there?", "giraffe", "giraffes", "in the image"),
        ("Look at the shelf. How many books are stacked?", "book", "books", "stacked"),
    ],
)  # fmt: skip
def test_counting(question: str, one: str, many: str, where: str) -> None:
    assert counted_thing(question) == (one, many, where)


@pytest.mark.parametrize(
    "question",
    [
        "Is the dog red?",
        "In how many years, is the rate greater than 3?",  # not what the image shows
        "How many red things and blue things are there?",
        "How many are there?",
        "How many 3, 4, 5, 6?",
        "How many <think> are there?",
        "",
    ],
)
def test_not_counting(question: str) -> None:
    assert counted_thing(question) is None


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Is the motorcycle away from the bird?", ["motorcycle", "bird"]),
        ("Is the teddy bear touching the dining table?", ["teddy bear", "dining table"]),
        ("Is the traffic light green?", ["traffic light"]),
        ("Does the man ride a horse?", ["man", "horse"]),
        ("Does the teddy bear contain the cup?", ["teddy bear", "cup"]),
        ("What is at the left side of the hot dog?", ["hot dog"]),
        ("What color is the parking meter on the right?", ["parking meter"]),
        ("Are there any green beans in the image?", ["green beans"]),
        ("Is there only one bottle in this picture?", ["bottle"]),
        ("Is the big red and black umbrella under people?", ["big red and black umbrella"]),
        ('JSON for the detected: "the kite under the black kite".', ["kite", "black kite"]),
        ("Hint: answer the question.\nQuestion: Is the cup full?\nChoices:\n(A) the lid", ["cup"]),
        ("How many?", []),
        ("", []),
    ],
)
def test_names(question: str, names: list[str]) -> None:
    assert list(things_named(question)) == names


@pytest.mark.parametrize(
    ("question", "answer", "sentence"),
    [
        ("Is the motorcycle away from the bird?", "yes", "The motorcycle is away from the bird."),
        ("Is the boat away from the bird?", "No", "The boat is not away from the bird."),
        ("Is the traffic light green?", "No", "The traffic light is not green."),
        ("Are the two dogs sleeping?", "Yes", "The two dogs are sleeping."),
        ("Does the truck contain the elephant?", "Yes", "The truck contains the elephant."),
        ("Does the truck contain the elephant?", "No", "The truck does not contain the elephant."),
        ("Does the cake consists of cream?", "No", "The cake does not consist of cream."),
        ("Do the men wear hats?", "yes", "The men wear hats."),
        ("Is there a train in the picture? Please answer yes or no.", "Yes",
         "There is a train in the picture."),
        ("Are there any dogs?", "No", "There are no dogs."),
        ("Are there any dogs?", "Yes", "There are dogs."),
        ("Is this a dog?", "No", "This is not a dog."),
        ("What is behind the sheep?", "cow", "The cow is behind the sheep."),
        ("What is behind the sheep?", "a cow", "The cow is behind the sheep."),
        ("What's on the tray?", "cups", "The cups are on the tray."),
        ("Who is wearing a shirt?", "man", "The man is wearing a shirt."),
        ("What does the truck contain?", "elephant", "The truck contains the elephant."),
    ],
)  # fmt: skip
def test_answer_sentences(question: str, answer: str, sentence: str) -> None:
    assert answer_sentence(question, answer) == sentence


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the man holding?", "phone"),
        ("What color is the car?", "red"),
        ("Did the man fall?", "Yes"),
        ("Is the dog red, or the cat?", "yes"),
        ("Is the dog <answer> red?", "yes"),
        ("Which is it? Is the dog red?", "no"),
        ("Is the dog?", "no"),
        ("What is behind the sheep?", "3"),
        ("What is behind the sheep?", "nothing"),
        ("Can you see the dog?", "yes"),
        ("", "yes"),
    ],
)
def test_questions_without_an_answer_sentence(question: str, answer: str) -> None:
    assert answer_sentence(question, answer) is None


def test_search_phrases() -> None:
    assert search_phrase("What is behind the sheep?") == "what is behind the sheep"
    assert search_phrase("What's on the bed?") == "what is on the bed"
    assert search_phrase("What does the truck contain?") == "what the truck contains"
    assert search_phrase("What is the man holding?") is None
    assert search_phrase("Is the dog behind the sheep?") is None


def test_answers_that_name_a_thing() -> None:
    assert [named_thing(answer) for answer in ("hot dog", "the cow", " bench ")] == [
        "hot dog", "cow", "bench",
    ]  # fmt: skip
    for answer in ("Yes", "no", "3", "B", "left", "[1, 2, 3, 4]", "1, 2, 3, 4", "", "</think>"):
        assert named_thing(answer) is None


TEXTS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [
                *"?.,",
                "how",
                "many",
                "is",
                "are",
                "there",
                "the",
                "a",
                "what",
                "does",
                "dog",
                "dogs",
                "red",
                "touching",
                "of",
                "in",
                "and",
            ]
        )
    ).map(" ".join),
)


@given(TEXTS, TEXTS)
def test_no_text_is_too_odd(question: str, answer: str) -> None:
    for said in (
        answer_sentence(question, answer),
        search_phrase(question),
        *things_named(question),
    ):
        assert said is None or said.strip()
    counts = counted_thing(question)
    assert counts is None or all(counts)


def test_the_rules_find_what_tallyqa_counts(grit_rows: Path) -> None:
    """Its field `key_words` says so too."""
    lines = (grit_rows / "tallyqa_val.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    found = [counted_thing(row["question"]) for row in rows]
    assert len(rows) == (2 if grit_rows.name == "samples" else 491)
    for counts, row in zip(found, rows, strict=True):
        assert counts is not None
        assert row["key_words"] in (counts.singular, counts.plural)
        assert counts.singular == singular(row["key_words"].split()[-1]) or " " in counts.singular


def test_every_question_of_vsr_becomes_a_sentence(grit_rows: Path) -> None:
    for name in ("vsr_val", "vsr_cot_train_10"):
        for line in (grit_rows / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(line)
            said = answer_sentence(row["question"], row["answer"])
            assert said is not None
            assert said.startswith("The ")
            assert (" not " in said) is (row["answer"] == "No")
