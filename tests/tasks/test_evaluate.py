"""``task=evaluate predictions=FILE`` as the command line gives it: numbers, files, refusals."""

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished_runs import write_run

from grit.paper.grouping import variant_of
from grit.runs.finished import FinishedRun

METRICS = ("acc", "acc_binary", "exact_match", "giou", "format_rate")
ROW: dict[str, Any] = {
    "question": "Where is the dog?",
    "answer": "left",
    "dataset": "vsr",
    "completion": "<think> [0, 0, 100, 100] </think><rethink> so </rethink><answer>left</answer>",
    "bboxs": [[0, 0, 100, 100]],  # the left half of the image
    "width": 200,
    "height": 100,
}
THOUSANDTHS = {"box_space": "normalized_1000"}
HALVED = {"box_space": "resized", "resized_width": 100, "resized_height": 50}
PORTRAIT = {"box_space": "resized", "resized_width": 56, "resized_height": 84}
GROUNDED = {  # what a completion says of the left half, the row's other fields -> GIoU
    "exactly it": ("[0, 0, 100, 100]", {}, 1.0),
    "exactly it, said to be in original pixels": ("[0, 0, 100, 100]", {"box_space": "original"}, 1),
    "exactly it, in thousandths": ("[0, 0, 500, 1000]", THOUSANDTHS, 1.0),
    "exactly it, on a smaller image": ("[0, 0, 50, 50]", HALVED, 1.0),
    "exactly it, on an image of another shape": ("[0, 0, 28, 84]", PORTRAIT, 1.0),
    "half of it": ("[0, 0, 50, 100]", {}, 0.5),
    "half of it, in thousandths": ("[0, 0, 250, 1000]", THOUSANDTHS, 0.5),
    "half of it, on a smaller image": ("[0, 25, 50, 50]", HALVED, 0.5),
    "its upper half, in thousandths": ("[0, 0, 500, 500]", THOUSANDTHS, 0.5),
    "its lower half, on an image of another shape": ("[0, 42, 28, 84]", PORTRAIT, 0.5),
    "the whole image": ("[0, 0, 200, 100]", {}, 0.5),
    "a third of each": ("[50, 0, 150, 100]", {}, 1 / 3),
    "beside it": ("[100, 0, 200, 100]", {}, 0.0),
    "clipped": ("[0, 0, 100, 900]", {}, 1.0),
    "clipped, in thousandths": ("[0, 0, 500, 3000]", THOUSANDTHS, 1.0),
    "clipped, on a smaller image": ("[0, 0, 50, 77]", HALVED, 1.0),
    "clipped to the whole image": ("[0, 0, 999, 999]", {}, 0.5),
    "outside": ("[300, 0, 400, 100]", {}, 0.0),
    "far outside": (f"[0, 0, 100, {'9' * 400}]", {}, 1.0),
    "reversed": ("[100, 100, 0, 0]", {}, 1.0),
    "reversed across": ("[100, 0, 0, 100]", {}, 1.0),
    "reversed, in thousandths": ("[500, 1000, 0, 0]", THOUSANDTHS, 1.0),
    "without area": ("[50, 50, 50, 90]", {}, 0.0),
    "without area beside the right one": ("[150, 20, 190, 20] [0, 0, 100, 100]", {}, 1.0),
    "two halves": ("[0, 0, 50, 100] and [50, 0, 100, 100]", {}, 1.0),
    "two that overlap": ("[0, 0, 80, 100] and [20, 0, 100, 100]", {}, 1.0),
    "the same one twice": ("[0, 0, 50, 100] [0, 0, 50, 100]", {}, 0.5),
    "one here, one there": ("[0, 0, 100, 100] [100, 0, 150, 100]", {}, 2 / 3),
    "none": ("no box", {}, 0.0),
    "not even a word": ("", {}, 0.0),
    "as an answer": ("<answer>[0, 0, 100, 100]", {}, 1.0),
    "in the reflection": ("<think></think><rethink>[0, 0, 100, 100]</rethink>", {}, 1.0),
    "annotated beyond the image": ("[0, 0, 100, 100]", {"bboxs": [[0, -5, 100, 105]]}, 1.0),
    "annotated in reverse": ("[0, 0, 100, 100]", {"bboxs": [[100, 100, 0, 0]]}, 1.0),
    "annotated twice": ("[0, 0, 100, 100]", {"bboxs": [[0, 0, 60, 100], [40, 0, 100, 100]]}, 1.0),
    "a true answer that is a box": ("[0, 0, 100, 100]", {"answer": [0, 0, 100, 100]}, 1.0),
    "not annotated": ("[0, 0, 100, 100]", {"bboxs": []}, None),
    "not annotated at all": ("[0, 0, 100, 100]", {"bboxs": None}, None),
}


Command = Callable[..., Any]  # ends in (code, out, err)


@pytest.fixture
def grit(command: Command) -> Command:
    """Run ``python -m grit task=evaluate`` into the folder ``run``."""
    return partial(command, "task=evaluate", "hydra.run.dir=run")


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def results(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def evaluated(grit: Command, folder: Path, *rows: dict[str, Any], **kept: str) -> dict[str, Any]:
    """Evaluate ``rows`` as predictions; what ``results.json`` says."""
    written(folder / "said.jsonl", *rows)
    ended = grit("predictions=said.jsonl", *(f"{key}={value}" for key, value in kept.items()))
    assert (ended.code, ended.err) == (0, "")
    return results(folder / "run")


def test_grounding(grit: Command, tmp_path: Path) -> None:
    rows = [
        ROW | {"dataset": name, "completion": completion} | fields
        for name, (completion, fields, _) in GROUNDED.items()
    ]
    sets = evaluated(grit, tmp_path, *rows)["sets"]
    assert list(sets) == list(GROUNDED)  # one for each `dataset`, in the order of the file
    assert {name: found["giou"]["mean"] for name, found in sets.items()} == {
        name: None if giou is None else pytest.approx(giou)
        for name, (_, _, giou) in GROUNDED.items()
    }
    per_row = {row["set"]: row["giou"] for row in read(tmp_path / "run" / "predictions.jsonl")}
    assert per_row == {name: found["giou"]["mean"] for name, found in sets.items()}
    counted = {name for name, found in sets.items() if found["giou"]["n"]}
    assert set(sets) - counted == {"not annotated", "not annotated at all"}


SETS = [
    ROW,
    ROW | {"completion": ROW["completion"].replace("left<", "to the left<")},
    ROW | {"completion": "<answer>right</answer>"},
    ROW | {"completion": "left"},  # no tag, no answer
    ROW | {"dataset": "mme", "answer": "yes", "completion": "<answer>Yes", "bboxs": None},
    ROW | {"answer": "a left one", "completion": "<answer> the LEFT one. </answer>"},
    ROW | {"dataset": "ovd", "answer": [0, 0, 100, 100], "completion": "[0, 0, 200, 100]"},
]


def test_the_numbers_of_a_set(grit: Command, tmp_path: Path) -> None:
    found = evaluated(grit, tmp_path, *SETS)
    assert found["schema_version"] == 1
    assert {"method", "model", "data", "reward", "judge", "seed", "git", "config_hash"} < set(found)
    assert (found["judge"], found["seed"]) == ("rules", 0)
    assert re.fullmatch(r"[0-9a-f]{12}", found["config_hash"])
    assert found["git"] is None or re.fullmatch(r"[0-9a-f]{40}", found["git"])
    vsr, mme, ovd = (found["sets"][name] for name in ("vsr", "mme", "ovd"))
    assert [one["n"] for one in (vsr, mme, ovd)] == [5, 1, 1]
    assert all(one["judge_failures"] == 0 for one in (vsr, mme, ovd))
    for one in (vsr, mme, ovd):
        assert all(set(one[name]) == {"mean", "low", "high", "n"} for name in METRICS)
    means = {name: (vsr[name]["mean"], vsr[name]["n"]) for name in METRICS}
    assert means == {
        "acc": (60.0, 5),
        "acc_binary": (60.0, 5),  # a rule gives nothing between 0 and 1
        "exact_match": (40.0, 5),
        "giou": (0.4, 5),
        "format_rate": (0.4, 5),
    }
    for name in METRICS:
        assert 0 <= vsr[name]["low"] < vsr[name]["mean"] < vsr[name]["high"] <= 100
    assert mme["acc"] == {"mean": 100.0, "low": 100.0, "high": 100.0, "n": 1}
    assert mme["giou"] == {"mean": None, "low": None, "high": None, "n": 0}
    assert ovd["acc"] == {"mean": None, "low": None, "high": None, "n": 0}  # no judge reads a box
    assert ovd["giou"]["mean"] == pytest.approx(0.5)


def test_the_interval_holds_95_in_a_hundred(grit: Command, tmp_path: Path) -> None:
    """400 rows, a quarter of them right: the interval of 95% is 25 +- 1.96 * 2.165."""
    wrong = ROW | {"completion": "<answer>right</answer>"}
    acc = evaluated(grit, tmp_path, *([ROW, wrong, wrong, wrong] * 100))["sets"]["vsr"]["acc"]
    assert (acc["mean"], acc["n"]) == (25.0, 400)
    assert acc["low"] == pytest.approx(20.8, abs=0.7)
    assert acc["high"] == pytest.approx(29.2, abs=0.7)


def test_a_row_for_each_prediction(grit: Command, tmp_path: Path) -> None:
    evaluated(grit, tmp_path, *SETS, ROW | {"completion": "[0, 0, 500, 1000]"} | THOUSANDTHS)
    rows = read(tmp_path / "run" / "predictions.jsonl")
    assert len({(row["set"], row["id"]) for row in rows}) == len(rows) == 8
    first = next(row for row in rows if row["completion"] == ROW["completion"])
    said = {key: first[key] for key in ("set", "question", "truth", "answer", "boxes")}
    assert said == {
        "set": "vsr",
        "question": "Where is the dog?",
        "truth": "left",
        "answer": "left",
        "boxes": [[0, 0, 100, 100]],
    }
    assert [first[key] for key in ("acc", "exact_match", "giou", "format")] == [1, 1, 1, 1]
    (last,) = (row for row in rows if row["completion"] == "[0, 0, 500, 1000]")
    assert last["boxes"] == [[0, 0, 100, 100]]  # in pixels of the original image


def test_what_was_written_gives_the_same_numbers(grit: Command, tmp_path: Path) -> None:
    first = evaluated(grit, tmp_path, *SETS)
    (tmp_path / "run").rename(tmp_path / "one")
    assert grit("predictions=one/predictions.jsonl").code == 0
    assert results(tmp_path / "run")["sets"] == first["sets"]


def test_other_predictions_in_a_file_of_the_same_name_are_others(
    grit: Command, tmp_path: Path
) -> None:
    """A file's name says nothing of the model behind it: tables would drop the second."""
    hashes = []
    for name, rows in {"one": [ROW], "two": [ROW | {"completion": "?"}], "again": [ROW]}.items():
        hashes.append(evaluated(grit, tmp_path, *rows)["settings_hash"])
        (tmp_path / "run").rename(tmp_path / name)
    assert hashes[0] == hashes[2] != hashes[1]


def test_the_order_of_the_rows_changes_nothing(grit: Command, tmp_path: Path) -> None:
    first = evaluated(grit, tmp_path, *SETS)["sets"]
    (tmp_path / "run").rename(tmp_path / "one")
    second = evaluated(grit, tmp_path, *reversed(SETS))["sets"]
    means = [
        {name: {m: one[m]["mean"] for m in METRICS} for name, one in sets.items()}
        for sets in (first, second)
    ]
    assert means[0] == means[1]


def test_a_method_without_tags_takes_the_whole_completion(grit: Command, tmp_path: Path) -> None:
    row = ROW | {"completion": "left"}
    found = evaluated(grit, tmp_path, row, method="direct")
    assert (found["method"], found["sets"]["vsr"]["acc"]["mean"]) == ("direct", 100.0)


def test_no_model_is_needed(grit: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = evaluated(grit, tmp_path, ROW, model="internvl3_2b")
    assert (found["model"], found["sets"]["vsr"]["n"]) == ("internvl3_2b", 1)


def test_predictions_made_anywhere_are_nobodys_unless_the_command_says_whose(
    grit: Command, tmp_path: Path
) -> None:
    found = evaluated(grit, tmp_path, ROW, **{"data.name": "gqa_20"})
    assert [found[name] for name in ("model", "data", "suite")] == ["unknown", "gqa_20", "unknown"]


def test_predictions_judged_by_rules_say_so_unless_they_are_of_drawn_scenes(
    grit: Command, tmp_path: Path
) -> None:
    written(tmp_path / "said.jsonl", ROW)
    where = "predictions=said.jsonl"
    assert "by a strict text rule" in " ".join(grit(where).out.split())
    assert "by a strict text rule" not in " ".join(grit(where, "suite=shapes").out.split())


def test_predictions_of_a_run_stay_those_of_its_model(grit: Command, tmp_path: Path) -> None:
    evaluated(grit, tmp_path, ROW, model="internvl3_2b", data="shapes_500", method="direct")
    (tmp_path / "run").rename(tmp_path / "one")
    message = one_line(grit("predictions=one/predictions.jsonl"))
    assert "method=direct" in message
    assert not (tmp_path / "run" / "results.json").exists()
    assert grit("predictions=one/predictions.jsonl", "method=direct").code == 0
    again = results(tmp_path / "run")
    assert [again[name] for name in ("model", "data", "method", "suite")] == [
        "internvl3_2b",
        "shapes_500",
        "direct",
        "unknown",  # the run was one of predictions, too
    ]


TRAINED: dict[str, Any] = {
    "reward": "union_iou",
    "seed": 3,
    "data_seed": 2,
    "triplets": 20,
    "triplets_hash": "t" * 12,
    "objective": "dapo",
    "annotation": "answers+boxes",
    "checkpoint": "ORG/NAME",
    "checkpoint_commit": "c" * 40,
}


def test_predictions_of_a_run_stay_those_of_its_training(grit: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "one", **TRAINED, settings_hash="s" * 12)
    assert grit("predictions=one/predictions.jsonl").code == 0
    again = results(tmp_path / "run")
    assert {name: again[name] for name in TRAINED} == TRAINED
    assert again["code"] not in (None, results(tmp_path / "one")["code"])


def test_some_of_a_runs_predictions_are_of_its_training_too(grit: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "one", **TRAINED)
    shutil.copy(tmp_path / "one" / "predictions.jsonl", tmp_path / "one" / "hard.jsonl")
    assert grit("predictions=one/hard.jsonl").code == 0
    again = results(tmp_path / "run")
    assert {name: again[name] for name in TRAINED} == TRAINED


def test_predictions_of_before_training_are_of_no_training(grit: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "one", **TRAINED, settings_hash="s" * 12)
    assert grit("predictions=one/predictions.before.jsonl").code == 0
    again = results(tmp_path / "run")
    said = {name: again[name] for name in TRAINED}
    untrained = {"reward": "grpo_gr", "seed": 0, "checkpoint": "before training"}
    assert said == dict.fromkeys(TRAINED) | untrained
    variant = variant_of(FinishedRun.read(tmp_path / "run"))
    assert (variant.data, variant.reward) == (None, None)  # no training of GRIT's


def test_what_a_run_had_left_out_is_said_of_its_predictions(grit: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "one", skipped={"mme2": "none of its images is there"})
    path = tmp_path / "one" / "results.json"
    fields = json.loads(path.read_text())
    name = next(iter(fields["sets"]))
    fields["sets"][name]["images_missing"] = 7
    path.write_text(json.dumps(fields))
    assert grit("predictions=one/predictions.jsonl").code == 0
    again = results(tmp_path / "run")
    assert again["sets"][name]["images_missing"] == 7
    assert again["skipped"] == {"mme2": "none of its images is there"}


def test_the_command_line_may_name_another_reward_and_seed(grit: Command, tmp_path: Path) -> None:
    write_run(tmp_path / "one", **TRAINED)
    assert grit("predictions=one/predictions.jsonl", "reward=no_count", "seed=5").code == 0
    again = results(tmp_path / "run")
    assert [again[name] for name in ("reward", "seed", "data_seed")] == ["no_count", 5, 2]


def test_runs_that_are_scored_again_are_repetitions_where_they_were(
    grit: Command, tmp_path: Path
) -> None:
    kinds = {
        "a run": {},
        "another seed": {"seed": 1},
        "other settings": {"settings_hash": "other"},
        "other code": {"code": "other"},
        "another reward": {"reward": "union_iou"},
        "weights from elsewhere": {"checkpoint": "ORG/NAME"},
    }
    variants = []
    for name, changed in kinds.items():
        fields = {"settings_hash": "same", "code": "same", "triplets_hash": "t"} | changed
        write_run(tmp_path / "one", **fields)
        place = f"hydra.run.dir={name.replace(' ', '_')}"
        assert grit("predictions=one/predictions.jsonl", place).code == 0
        variants.append(variant_of(FinishedRun.read(tmp_path / name.replace(" ", "_"))))
    assert variants[0] == variants[1]
    assert len(set(variants)) == len(kinds) - 1


def test_results_controls_and_their_place_are_printed(grit: Command, tmp_path: Path) -> None:
    written(tmp_path / "said.jsonl", *SETS)
    out = grit("predictions=said.jsonl").out
    line, control = (line for line in out.splitlines() if re.match(r"\s*vsr\b", line))
    assert [word for word in ("5", "60.0", "0.400") if word not in line.split()] == []
    assert "left" in control.split()  # the majority's answer
    assert out.splitlines()[-1].endswith("run/results.json")


def test_the_folder_holds_what_the_results_were_made_of(grit: Command, tmp_path: Path) -> None:
    evaluated(grit, tmp_path, ROW)
    configuration = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert configuration["predictions"] == "said.jsonl"
    assert configuration["judge"] == {"name": "rules"}


def one_line(ended: Any) -> str:
    """The message of a command that failed as a command should."""
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("grit: ")
    assert "Traceback" not in ended.out
    return ended.err


def test_results_are_not_written_over(grit: Command, tmp_path: Path) -> None:
    evaluated(grit, tmp_path, ROW)
    before = {
        path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()
    }
    written(tmp_path / "other.jsonl", ROW | {"completion": "nothing"})
    assert "run" in one_line(grit("predictions=other.jsonl"))
    for name in ("results.json", "predictions.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == before[name]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"question": None}, ["question", "a string", "nothing"]),
        ({"answer": None}, ["answer", "nothing"]),
        ({"answer": [1, 2]}, ["answer", "[x1, y1, x2, y2]"]),
        ({"dataset": " "}, ["dataset", "blank"]),
        ({"completion": ["text"]}, ["completion", "a string"]),
        ({"bboxs": [0, 0, 100, 100]}, ["bboxs", "[x1, y1, x2, y2]"]),
        ({"bboxs": [[0, 0, 100, "100"]]}, ["bboxs", "[x1, y1, x2, y2]"]),
        ({"width": None}, ["width", "nothing"]),
        ({"width": None, "height": None}, ["width", "nothing"]),
        ({"height": 0}, ["height", "0"]),
        ({"height": 1.5}, ["height", "1.5"]),
        ({"box_space": "pixels"}, ["box_space", "original, resized, normalized_1000", "pixels"]),
        ({"box_space": 1000}, ["box_space", "1000"]),
        ({"box_space": "resized"}, ["resized_width", "nothing"]),
        (HALVED | {"resized_height": None}, ["resized_height", "nothing"]),
        (HALVED | {"resized_width": -28}, ["resized_width", "-28"]),
    ],
    ids=str,
)
def test_a_bad_row_is_one_line_and_leaves_nothing(
    grit: Command, tmp_path: Path, fields: dict[str, Any], named: list[str]
) -> None:
    written(tmp_path / "said.jsonl", ROW, ROW | fields)
    message = one_line(grit("predictions=said.jsonl"))
    assert [word for word in ["said.jsonl", "line 2", *named] if word not in message] == []
    assert list((tmp_path / "run").glob("*.json*")) == []


@pytest.mark.parametrize("text", [None, "", "\n", "[]\n", '{"question": "a"\n'], ids=repr)
def test_a_file_that_is_none(grit: Command, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "said.jsonl").write_text(text)
    assert "said.jsonl" in one_line(grit("predictions=said.jsonl"))
    assert list((tmp_path / "run").glob("*.json*")) == []


def test_files_of_other_harnesses_are_scored_and_written(grit: Command, tmp_path: Path) -> None:
    folder = Path(__file__).parent.parent / "samples" / "harnesses"
    samples = folder / "20261129_220000_samples_gqa.jsonl"
    ended = grit(f"predictions={samples}", "evaluation.harnesses=[lmms_eval,vlmevalkit]")
    assert (ended.code, ended.err) == (0, "")
    found = results(tmp_path / "run")["sets"]["gqa"]
    assert found["n"] == 3
    assert found["acc"]["mean"] == pytest.approx(100 / 3)  # one has an <answer>
    made = {path.parent.parent.name for path in (tmp_path / "run").glob("*/*/*_gqa.*")}
    assert made == {"lmms_eval", "vlmevalkit"}
    again = grit(f"predictions={samples}", "method=direct", "hydra.run.dir=again")
    assert again.code == 0
    answers = [row["answer"] for row in read(tmp_path / "again" / "predictions.jsonl")]
    assert answers[2] == "man"  # the whole completion
    assert [row["answer"] for row in read(tmp_path / "run" / "predictions.jsonl")][2] is None
