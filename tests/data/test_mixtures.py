from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pytest
from PIL import Image

from grit.core.errors import GritError
from grit.data.mixtures import drawn_rows, mix, shared_pictures
from grit.data.samples import Sample, samples_fingerprint
from grit.data.settings import DataSettings, SourceSettings
from grit.data.shapes.scenes import Scene, scene_for
from grit.grounding.boxes import Space


@dataclass(frozen=True)
class Plain:
    key: str

    def load(self) -> Image.Image:
        raise AssertionError("a mixture loads no picture")


def samples(name: str, count: int, answers: tuple[str, ...] = ("yes",)) -> list[Sample]:
    return [
        Sample(
            id=f"{name}/{i}",
            question="?",
            answer=answers[i % len(answers)],
            dataset=name,
            picture=Plain(f"{name}{i}"),
            space=Space("original", 10, 10),
        )
        for i in range(count)
    ]


def mixed(
    sources: Mapping[str, list[Sample]],
    sizes: Mapping[str, int | None],
    seed: int,
    balanced: Collection[str] = (),
    total: int | None = None,
) -> list[Sample]:
    settings = {
        name: SourceSettings(rows=size, balance_counts=name in balanced)
        for name, size in sizes.items()
    }
    return mix(sources, DataSettings(name="x", root="", seed=seed, total=total, sources=settings))


def ids(mixture: list[Sample]) -> list[str]:
    return [sample.id for sample in mixture]


def test_sizes_are_taken_from_every_source() -> None:
    sources = {"vsr": samples("vsr", 30), "tally": samples("tally", 40), "all": samples("all", 3)}
    mixture = mixed(sources, {"vsr": 10, "tally": 0, "all": None}, seed=1)
    assert Counter(sample.dataset for sample in mixture) == {"vsr": 10, "all": 3}


def test_a_choice_depends_on_seed_and_ids_alone() -> None:
    rows = samples("vsr", 50)
    first = mixed({"vsr": rows}, {"vsr": 10}, seed=1)
    assert ids(mixed({"vsr": rows[::-1]}, {"vsr": 10}, seed=1)) == ids(first)
    assert ids(mixed({"vsr": rows}, {"vsr": 10}, seed=2)) != ids(first)
    # the other source and its size change nothing, and a larger mixture holds the smaller one
    both = mixed({"vsr": rows, "x": samples("x", 5)}, {"vsr": 20, "x": 5}, seed=1)
    assert ids(both)[:10] == ids(first)


def test_counts_are_even_as_far_as_they_reach() -> None:
    rows = samples("tally", 100, answers=("0", "1", "2", "3", "4", "7"))
    mixture = mixed({"t": rows}, {"t": 20}, seed=1, balanced=["t"])
    assert Counter(sample.answer for sample in mixture) == dict.fromkeys("01234", 4)
    scarce = [sample for sample in rows if sample.answer != "3"] + rows[3:4]
    mixture = mixed({"t": scarce}, {"t": 9}, seed=1, balanced=["t"])
    assert Counter(s.answer for s in mixture) == {"0": 2, "1": 2, "2": 2, "3": 1, "4": 2}
    everything = mixed({"t": rows}, {"t": 100}, seed=1, balanced=["t"])
    assert sorted(ids(everything)) == sorted(ids(rows))
    assert {sample.answer for sample in everything[-16:]} == {"7"}


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (11, "has 10 rows whose image is there, but 11 are needed"),
        (-1, "at least 0, found -1"),
        (0, "the mixture is empty"),
    ],
)
def test_an_impossible_mixture_is_an_error(size: int, said: str) -> None:
    with pytest.raises(GritError) as raised:
        mixed({"vsr": samples("vsr", 10)}, {"vsr": size}, seed=1)
    assert said in str(raised.value)


def test_an_id_may_stand_only_once() -> None:
    rows = samples("vsr", 2)
    with pytest.raises(GritError, match='two samples of the mixture have the id "vsr/'):
        mixed({"a": rows, "b": rows}, {"a": None, "b": None}, seed=1)


def test_shared_pictures_are_found_by_content() -> None:
    train, test = samples("train", 4), samples("test", 4)
    assert shared_pictures(train, test) == []
    test[2] = replace(test[2], picture=Plain("train1"))
    assert ids([s for pair in shared_pictures(train, test) for s in pair]) == ["train/1", "test/2"]


def test_scenes_that_look_the_same_are_shared_whatever_their_key() -> None:
    def sample(name: str, scene: Scene) -> Sample:
        return replace(samples(name, 1)[0], picture=scene, space=scene.space)

    found = (scene_for("test", 0, i) for i in range(100))
    scene = next(each for each in found if each.ground.texture == "plain")
    twin = replace(scene, ground=replace(scene.ground, seed=scene.ground.seed + 1))
    assert twin.key != scene.key
    other = replace(scene, ground=replace(scene.ground, first=scene.ground.second))
    pairs = shared_pictures([sample("train", twin)], [sample("test", scene)])
    assert ids([each for pair in pairs for each in pair]) == ["train/0", "test/0"]
    assert shared_pictures([sample("train", other)], [sample("test", scene)]) == []


def test_pictures_of_other_sizes_are_not_even_read() -> None:
    class Unread:
        key = property(lambda self: pytest.fail("read"))

    test = [replace(samples("test", 1)[0], space=Space("original", 11, 10), picture=Unread())]
    assert shared_pictures(samples("train", 1), test) == []


def test_with_a_total_the_last_source_makes_up_what_others_lack() -> None:
    sources = {"vsr": samples("vsr", 6), "tallyqa": samples("tallyqa", 20, tuple("01234"))}
    sizes = {"vsr": 8, "tallyqa": 2}
    mixture = mixed(sources, sizes, 0, balanced=["tallyqa"], total=16)
    assert Counter(sample.dataset for sample in mixture) == {"vsr": 6, "tallyqa": 10}
    assert Counter(s.answer for s in mixture if s.dataset == "tallyqa") == dict.fromkeys("01234", 2)
    enough = {**sources, "vsr": samples("vsr", 30)}
    assert Counter(s.dataset for s in mixed(enough, sizes, 0, total=10)) == {"vsr": 8, "tallyqa": 2}
    with pytest.raises(GritError, match=r'"tallyqa" has 20 rows.*, or lower data\.total$'):
        mixed(sources, sizes, 0, total=27)
    with pytest.raises(GritError, match=r'"vsr" has 6 rows.*lower data\.sources\.vsr\.rows$'):
        mixed(sources, sizes, 0)


def test_a_total_below_the_rows_of_the_first_sources_is_an_error_that_names_both() -> None:
    sources = {"vsr": samples("vsr", 30), "tallyqa": samples("tallyqa", 30)}
    assert len(mixed(sources, {"vsr": 20, "tallyqa": 5}, 0, total=20)) == 20
    with pytest.raises(GritError) as raised:
        mixed(sources, {"vsr": 20, "tallyqa": 5}, 0, total=10)
    assert str(raised.value) == (
        'data: data.total=10, but the sources before "tallyqa" give 20 rows: raise data.total to '
        "at least 20, or lower data.sources.vsr.rows"
    )


def test_all_rows_of_a_file_are_the_same_triplets_whatever_the_seed_that_orders_them() -> None:
    sources = {"vsr": samples("vsr", 10), "tallyqa": samples("tallyqa", 10, tuple("01234"))}
    first, second = (mixed(sources, {"vsr": 10, "tallyqa": 10}, seed) for seed in (0, 1))
    assert ids(first) != ids(second)
    assert samples_fingerprint(first) == samples_fingerprint(second)
    assert samples_fingerprint(first) != samples_fingerprint(first[1:])
    other = [replace(first[0], answer="another"), *first[1:]]
    assert samples_fingerprint(first) != samples_fingerprint(other)


def test_what_was_drawn_is_said() -> None:
    mixture = [*samples("vsr", 2), *samples("tallyqa", 3, ("2", "10", "2"))]
    assert drawn_rows(mixture, 5, ["vsr_counts"])["counts"] == {}
    assert drawn_rows(mixture, 5, ["tallyqa"]) == {
        "rows": 5,
        "seed": 5,
        "counts": {"2": 2, "10": 1},
        "ids": ["vsr/0", "vsr/1", "tallyqa/0", "tallyqa/1", "tallyqa/2"],
    }
