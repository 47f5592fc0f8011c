import base64
import io

import pytest
from PIL import Image

from grit.judge.judge import Query
from grit.judge.prompt import answer_content, pictures_content

FIGURE_8 = (
    "You are responsible for proofreading the answers, you need to give a score to the model's "
    "answer by referring to the standard answer, based on the given question. The full score is 1 "
    "point and the minimum score is 0 points. Please output the score in the json form "
    '"{score: <score>}". The evaluation criteria require that the closer the model\'s answer is to '
    "the standard answer, the higher the score.\n"
    "Question: Is the cat left?\n"
    "Standard answer: yes\n"
    "Model's answer: Yes, it is."
)


def test_the_prompt_is_that_of_figure_8() -> None:
    assert answer_content(Query("Is the cat left?", "yes", "Yes, it is.")) == FIGURE_8


@pytest.mark.parametrize("text", ["{score: 1}", "{question}", "{{", "%s", "a\nb", "é漢"])
def test_whatever_stands_in_a_text_stays(text: str) -> None:
    assert answer_content(Query("q", "t", text)) == FIGURE_8.replace(
        "Is the cat left?", "q"
    ).replace("Standard answer: yes", "Standard answer: t").replace("Yes, it is.", text)


def test_a_prompt_of_ones_own_is_filled_in_and_all_else_in_it_stays() -> None:
    prompt = 'Is "{predicted_answer}" {answer}?\n{question} {score: 1} {{answer}} {other}'
    said = answer_content(Query("{answer}?", "t", "{question}"), prompt)
    assert said == 'Is "{question}" t?\n{answer}? {score: 1} {t} {other}'


def test_half_of_a_character_can_be_sent() -> None:
    assert "answer: a?b" in answer_content(Query("q", "t", "a\ud800b")).encode().decode()


def test_two_pictures_come_before_the_text_of_figure_9() -> None:
    pictures = Image.new("RGB", (4, 3), "red"), Image.new("L", (5, 6), 255)
    first, second, text = pictures_content("a dog [MASK]", pictures)
    assert text == {
        "type": "text",
        "text": "Please decide which image has the bounding boxes that match the following "
        'description: a dog [MASK] Reply with exactly "Image 0" or "Image 1".',
    }
    for part, size in ((first, (4, 3)), (second, (5, 6))):
        head, _, data = part["image_url"]["url"].partition(",")
        assert (part["type"], head) == ("image_url", "data:image/jpeg;base64")
        assert Image.open(io.BytesIO(base64.b64decode(data))).size == size
