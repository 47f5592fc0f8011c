"""The data sets: sequences of samples, balanced, reproducible, with disjoint splits."""

import pickle
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import pytest

from grit.core.errors import GritError
from grit.data.shapes import ShapesSource
from grit.data.shapes.kinds import KINDS, TEST_KINDS
from grit.data.shapes.scenes import IN_DOMAIN, SPLITS, Plan, Scene, split_of


def scene_of(sample: object) -> Scene:
    picture = sample.picture
    assert isinstance(picture, Scene)
    return picture


def sources(seed: int, size: int) -> dict[tuple[str, str], ShapesSource]:
    return {
        (kind, split): ShapesSource(kind, split, size, seed)
        for kind in KINDS
        for split in SPLITS
        if split != "train" or KINDS[kind].in_domain
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_depends_on_its_position_alone(kind: str) -> None:
    source = ShapesSource(kind, "test", 30, seed=4)
    assert isinstance(source, Sequence)
    assert len(source) == len(list(source)) == 30
    assert source[17] == ShapesSource(kind, "test", 500, seed=4)[17]
    assert source[-1] == source[29]
    assert source[27:] == [source[27], source[28], source[29]]
    assert source[3] != ShapesSource(kind, "test", 30, seed=5)[3]
    assert pickle.loads(pickle.dumps(source))[5] == source[5]
    with pytest.raises(IndexError, match=f"shapes_{kind} has 30 samples, not one at 30"):
        source[30]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_carry_ids_spaces_and_boxes(kind: str) -> None:
    for split in ("test", "pretrain"):
        for i, sample in enumerate(ShapesSource(kind, split, 12)):
            scene = scene_of(sample)
            assert sample.id == f"shapes_{kind}/{split}/{i}"
            assert sample.dataset == f"shapes_{kind}"
            assert (sample.space.name, sample.space.width, sample.space.height) == (
                "original",
                96,
                96,
            )
            assert sample.answer_is_box == (kind in ("ovd", "detect"))
            if split == "test" and kind in ("mathvista", "mme"):
                assert sample.boxes is None
                assert sample.labels == ()
            else:
                assert sample.boxes is not None
                assert len(sample.boxes) == len(sample.labels)
                drawn = [thing.box for thing in scene.things]
                assert all(
                    box.corners in drawn and box.space == sample.space for box in sample.boxes
                )


def test_no_split_shares_a_scene_with_another() -> None:
    keys: dict[str, set[str]] = {split: set() for split in SPLITS}
    for seed in (0, 1):
        for (_, split), source in sources(seed, 25).items():
            scenes = [scene_of(sample) for sample in source]
            assert {split_of(scene) for scene in scenes} == {split}  # so for all other seeds too
            keys[split].update(scene.key for scene in scenes)
    assert all(not keys[one] & keys[other] for one, other in combinations(SPLITS, 2))


def test_the_paper_s_ten_counts_are_two_each_of_0_to_4() -> None:
    for seed in range(3):
        answers = Counter(sample.answer for sample in ShapesSource("tallyqa", "train", 10, seed))
        assert answers == dict.fromkeys("01234", 2)
    empty = [s for s in ShapesSource("tallyqa", "train", 10) if s.answer == "0"]
    assert [sample.boxes for sample in empty] == [(), ()]


def test_ten_relations_hold_as_many_yes_as_no() -> None:
    for seed in range(3):
        answers = [sample.answer for sample in ShapesSource("vsr", "train", 10, seed)]
        assert (answers.count("yes"), answers.count("no")) == (3, 3)


def test_counting_is_tested_from_0_to_9() -> None:
    answers = Counter(sample.answer for sample in ShapesSource("tallyqa", "test", 50))
    assert answers == dict.fromkeys("0123456789", 5)


def test_out_of_domain_sets_have_other_words_grounds_and_combinations() -> None:
    trained = [s for kind in ("vsr", "tallyqa") for s in ShapesSource(kind, "train", 60)]
    grounds = {scene_of(sample).ground.texture for sample in trained}
    names = {(t.shape, t.color) for sample in trained for t in scene_of(sample).things}
    assert names <= set(IN_DOMAIN.names)
    for kind in set(TEST_KINDS) - {"vsr", "tallyqa"}:
        tested = ShapesSource(kind, "test", 60)
        assert not {sample.question for sample in trained} & {sample.question for sample in tested}
        assert not grounds & {scene_of(sample).ground.texture for sample in tested}
        assert {(t.shape, t.color) for s in tested for t in scene_of(s).things} - set(
            IN_DOMAIN.names
        )


def test_only_in_domain_kinds_can_be_trained_on() -> None:
    for kind in KINDS:
        if kind in ("vsr", "tallyqa"):
            assert len(ShapesSource(kind, "train", 3)) == 3
        else:
            with pytest.raises(GritError, match="out of domain and has no train split"):
                ShapesSource(kind, "train", 3)


def test_unknown_names_and_impossible_plans_say_what_was_expected() -> None:
    with pytest.raises(GritError, match="no kind of shapes is called 'vqa': choose from vsr"):
        ShapesSource("vqa", "test", 1)
    with pytest.raises(GritError, match="no split of shapes is called 'val'"):
        ShapesSource("vsr", "val", 1)
    with pytest.raises(GritError, match="the size is a whole number of samples"):
        ShapesSource("vsr", "test", -1)
    lonely = ShapesSource("vsr", "test", 1, plan=Plan(max_things=1))
    with pytest.raises(GritError, match="no scene of 1-1 things answers a question of the form"):
        lonely[0]


def test_a_plan_gives_scenes_of_another_size() -> None:
    sample = ShapesSource("vsr", "pretrain", 1, plan=Plan(width=128, height=72))[0]
    assert sample.picture.load().size == (128, 72)
    assert (sample.space.width, sample.space.height) == (128, 72)


def test_samples_that_are_kept_are_drawn_once() -> None:
    kept, anew = (ShapesSource("vsr", "test", 3, keep=keep) for keep in (True, False))
    assert kept[:] == anew[:]
    assert kept[1] is kept[-2]
    assert anew[1] is not anew[1]
