import base64
import io
from collections.abc import Callable

from chat_service import ChatService, says
from PIL import Image

from grit.judge.picture_pairs import compare_pictures
from grit.judge.prompt import Comparison
from grit.judge.service import ServiceJudge

JudgeOf = Callable[..., ServiceJudge]
RED, BLUE = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")


def comparisons(count: int) -> list[Comparison]:
    return [Comparison(f"vsr/{n}", f"chain {n}", RED, BLUE) for n in range(count)]


def sees_red(chat: ChatService) -> Callable[..., None]:
    """Finds the red picture, as only somebody who looks can."""

    def play(handler) -> None:
        first = chat.requests[-1].body["messages"][0]["content"][0]["image_url"]["url"]
        picture = Image.open(io.BytesIO(base64.b64decode(first.partition(",")[2])))
        red, _, blue = picture.getpixel((4, 4))
        says(f"Image {int(blue > red)}")(handler)

    return play


def test_a_judge_that_sees_is_always_right(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = sees_red(chat)
    assert compare_pictures(judge_of(in_flight=1), comparisons(6)) == [1.0] * 6
    parts = chat.requests[0].body["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["image_url", "image_url", "text"]
    assert "chain 0 Reply with exactly" in parts[2]["text"]


def test_one_that_always_says_the_same_is_right_by_chance(
    chat: ChatService, judge_of: JudgeOf
) -> None:
    chat.default = says("Image 0")
    scores = compare_pictures(judge_of(), comparisons(16))
    assert 4 < sum(scores) < 12
    assert compare_pictures(judge_of(), comparisons(16)) == scores  # the order is of the id
    others = compare_pictures(judge_of(), comparisons(16), seed=1)
    assert others != scores


def test_each_repetition_asks_anew(chat: ChatService, judge_of: JudgeOf, tmp_path) -> None:
    chat.default = says("Image 1")
    judge = judge_of(cache=str(tmp_path))
    for seed in (0, 1, 1):
        compare_pictures(judge, comparisons(3), seed=seed)
    assert len(chat.requests) == 6


def test_answers_of_another_service_are_not_its_own(
    chat: ChatService, judge_of: JudgeOf, tmp_path
) -> None:
    chat.default = says("Image 1")
    elsewhere = judge_of().service.base_url.replace("127.0.0.1", "localhost")
    others = ({"model": "n"}, {"temperature": 1.0}, {"max_tokens": 9}, {"base_url": elsewhere})
    for asked, other in enumerate(({}, *others), 1):
        for _ in range(2):
            compare_pictures(judge_of(cache=str(tmp_path), **other), comparisons(1))
            assert len(chat.requests) == asked


def test_what_chooses_neither_is_none(chat: ChatService, judge_of: JudgeOf) -> None:
    chat.default = says("both")
    assert compare_pictures(judge_of(), comparisons(1)) == [None]
