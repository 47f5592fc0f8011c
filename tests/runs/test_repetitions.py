from pathlib import Path

from finished_runs import drawn_rows, results_of

from grit.runs.finished import FinishedRun
from grit.runs.repetitions import is_trained, repetitions, seeds_label, title_of


def runs(*made_of: dict[str, object]) -> list[FinishedRun]:
    rows = drawn_rows()
    return [FinishedRun(Path(str(n)), results_of(rows, **one)) for n, one in enumerate(made_of)]


def test_what_was_trained_comes_first_and_no_model_is_last_by_its_name() -> None:
    methods = ("cot", "direct", "grit", "icl", "sft")
    found = runs(
        *(
            {"model": model, "method": method, "seed": seed}
            for model in ("tiny_internvl", "tiny_qwen")
            for method in methods
            for seed in (1, 0)
        )
    )
    groups = [[found[at].results for at in places] for places in repetitions(found)]
    assert [[one.seed for one in group] for group in groups] == [[0, 1]] * 10
    order = [(group[0].method, group[0].model) for group in groups]
    assert [method for method, _ in order[::2]] == ["grit", "sft", "icl", "cot", "direct"]
    assert [model for _, model in order] == ["tiny_internvl", "tiny_qwen"] * 5


def test_other_data_rewards_and_settings_are_no_repetitions() -> None:
    found = runs(
        {"settings_hash": "a"},
        {"settings_hash": "a", "seed": 1},
        {"settings_hash": "b"},
        {"settings_hash": "a", "data": "shapes_500"},
        {"settings_hash": "a", "reward": "no_count"},
    )
    assert repetitions(found) == [[0, 1], [2], [3], [4]]
    assert title_of(found[4].results) == "tiny_qwen · grit · shapes · no_count"


def test_weights_from_elsewhere_are_named_and_not_trained() -> None:
    found = runs({}, {"settings_hash": "b", "checkpoint": "yfan1997/GRIT-20-InternVL-2B"})
    assert repetitions(found) == [[0], [1]]
    assert [is_trained(run.results) for run in found] == [True, False]
    assert title_of(found[1].results) == "tiny_qwen · grit (released)"


def test_a_seed_counts_once_and_other_code_and_triplets_are_no_repetitions() -> None:
    found = runs(
        {"code": "a"},
        {"code": "a", "seed": 1},
        {"code": "a"},
        {"code": "b"},
        {"code": "a", "triplets_hash": "t"},
    )
    assert repetitions(found) == [[0, 1], [3], [4]]


def test_the_same_triplets_by_another_draw_are_in_another_order() -> None:
    """As of a file whose rows are all taken: another training, of the same draw."""
    found = runs(*({"triplets_hash": "t", "data_seed": n, "seed": n % 2} for n in (0, 1, 2, 2)))
    assert repetitions(found) == [[0, 1, 2]]


def test_draws_of_the_triplets_are_repetitions() -> None:
    found = runs(
        {"seed": 1, "data_seed": 1, "triplets_hash": "u"},
        {"seed": 0, "data_seed": 1, "triplets_hash": "u"},
        {"seed": 1, "data_seed": 0, "triplets_hash": "t"},
        {"seed": 1, "data_seed": 2, "triplets_hash": "t"},  # the same in another order
        {"seed": 2, "data_seed": 0, "triplets_hash": "other rows"},
    )
    assert repetitions(found) == [[2, 1, 0, 3], [4]]


def test_labels_say_how_many_seeds_and_draws() -> None:
    labels = [seeds_label("GRIT", draws) for draws in ("t", "tt", "tu", "ttuu", "ttu")]
    assert labels == [
        "GRIT",
        "GRIT, 2 seeds",
        "GRIT, 2 draws, 1 seed each",
        "GRIT, 2 draws, 2 seeds each",
        "GRIT, 2 draws, 3 runs",
    ]
