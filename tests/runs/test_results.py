import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.data.shapes.kinds import KINDS
from grit.data.shapes.source import ShapesSource
from grit.evaluation.bootstrap import Estimate
from grit.evaluation.metrics import METRICS
from grit.evaluation.predictions import Prediction, ScoredPrediction, read_predictions
from grit.evaluation.scoring import score_predictions
from grit.judge.judge import JudgeFailed
from grit.judge.rules import RulesJudge
from grit.judge.usage import NOTHING, Usage
from grit.runs.left_out import left_out
from grit.runs.measured import Measured, check_failed
from grit.runs.results import (
    ANSWERS,
    ANSWERS_AND_BOXES,
    SCHEMA_VERSION,
    Results,
    git_commit,
    read_results,
    set_result,
    write_predictions,
    write_results,
)

NO_BOXES = {"mean": None, "low": None, "high": None, "n": 0}


def scored(set_name: str, row: int, acc: float | None, giou: float | None) -> ScoredPrediction:
    said = Prediction(set_name, row, f"{set_name}/{row}", "é?", "yes", False, set_name, "yes")
    return ScoredPrediction(
        prediction=said,
        answer="yes",
        boxes=(),
        parts={"answer": True},
        acc=acc,
        judge_failed=acc is None,
        exact_match=1.0,
        giou=giou,
        format=0.0,
    )


def results() -> Results:
    vsr = [scored("vsr", 0, 1.0, 0.5), scored("vsr", 1, 0.0, 0.1), scored("vsr", 2, None, None)]
    mme = [scored("mme", 0, 1.0, None), scored("mme", 0, 1.0, None)]
    return Results(
        method="grit",
        model="tiny_qwen",
        data="shapes",
        reward="grpo_gr",
        judge="rules",
        seed=1,
        config_hash="0123456789ab",
        sets={"vsr": set_result(vsr, images_missing=7), "mme": set_result(mme)},
        git="0" * 40,
        skipped={"gqa": "none of its 509 images is there"},
    )


def test_results_have_what_the_contract_names(tmp_path: Path) -> None:
    path = tmp_path / "run" / "results.json"
    write_results(path, results())
    fields = json.loads(path.read_text())
    assert fields["schema_version"] == SCHEMA_VERSION
    named = {"method", "model", "data", "reward", "judge", "seed", "git", "config_hash", "sets"}
    assert named <= set(fields)
    vsr, mme = fields["sets"]["vsr"], fields["sets"]["mme"]
    assert (vsr["n"], vsr["judge_failures"], vsr["images_missing"]) == (3, 1, 7)
    assert set(vsr) == {"n", "judge_failures", "images_missing", "questions", *METRICS}
    assert all(set(vsr[name]) == {"mean", "low", "high", "n"} for name in METRICS)
    assert (vsr["acc"]["mean"], vsr["acc"]["n"]) == (50.0, 2)
    assert vsr["acc_binary"] == vsr["acc"]
    assert (vsr["giou"]["mean"], vsr["giou"]["n"]) == (pytest.approx(0.3), 2)
    assert (mme["n"], mme["giou"]) == (1, NO_BOXES)
    assert fields["skipped"] == {"gqa": "none of its 509 images is there"}


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    written = replace(results(), git=None)
    write_results(path, written)
    assert read_results(path) == written


def test_results_of_earlier_versions_lack_later_metrics(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, results())
    fields = json.loads(path.read_text())
    first = {"acc", "exact_match", "giou", "format_rate"}
    for found in fields["sets"].values():
        for name in METRICS.keys() - first:
            del found[name]
    path.write_text(json.dumps(fields))
    read = read_results(path).sets["vsr"].metrics
    assert set(read) == set(METRICS)
    assert {name for name, value in read.items() if value == (None, None, None, 0)} == (
        set(METRICS) - first
    )


def test_sampled_answers_are_metrics_of_their_set(tmp_path: Path) -> None:
    rows = [scored("vsr", 0, acc, None) for acc in (1.0, 0.0)]
    found = replace(results(), sets={"vsr": set_result(rows[:1], rows)})
    path = tmp_path / "results.json"
    write_results(path, found)
    assert read_results(path) == found
    vsr = json.loads(path.read_text())["sets"]["vsr"]
    assert (vsr["n"], vsr["pass_at_1"]["mean"], vsr["pass_at_2"]["mean"]) == (1, 50.0, 100.0)
    assert vsr["mean_at_2"] == {"mean": 50.0, "low": 50.0, "high": 50.0, "n": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.pop("schema_version"), "expected results of schema_version 1, found None"),
        (lambda f: f.update(schema_version=99), "found 99"),
        (lambda f: f.pop("model"), 'field "model": expected a string, found nothing'),
        (lambda f: f.update(seed=True), 'field "seed": expected an integer, found True'),
        (lambda f: f.update(sets=[]), 'field "sets": expected an object'),
        (lambda f: f["sets"].update(vsr=3), 'field "sets.vsr": expected an object'),
        (lambda f: f["sets"]["vsr"].pop("giou"), 'field "sets.vsr.giou": expected an object'),
        (
            lambda f: f["sets"]["vsr"]["acc"].update(low="x"),
            "field \"sets.vsr.acc.low\": expected an integer or a number or null, found 'x'",
        ),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, change, said: str) -> None:
    path = tmp_path / "results.json"
    write_results(path, results())
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))
    with pytest.raises(GritError) as raised:
        read_results(path)
    assert said in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000, None])
def test_a_file_that_is_no_results_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "results.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GritError, match=r"results\.json: "):
        read_results(path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, results())
    before = path.read_bytes()
    broken = replace(results(), seed=float("nan"))
    with pytest.raises(ValueError, match="JSON"):
        write_results(path, broken)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_predictions_are_in_the_order_of_sets_and_rows(tmp_path: Path) -> None:
    rows = [
        scored("vsr", 1, 1.0, None),
        scored("mme", 0, 1.0, None),
        scored("vsr", 10, 1.0, None),
        scored("vsr", 2, None, 0.5),
        scored("vsr", 1, 0.0, None),
    ]
    path = tmp_path / "predictions.jsonl"
    names = ("vsr", "mme")
    write_predictions(path, {n: [r for r in rows if r.prediction.set == n] for n in names})
    read = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in read] == ["vsr/1", "vsr/2", "vsr/10", "mme/0"]
    assert [row["acc"] for row in read] == [1.0, None, 1.0, 1.0]


def test_the_commit_is_that_of_the_tracking_repository(tmp_path: Path) -> None:
    source = tmp_path / "code.py"
    source.write_text("")
    assert git_commit(source) is None
    assert git_commit(tmp_path / "missing" / "code.py") is None
    author = ["-c", "user.name=x", "-c", "user.email=x@y"]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert git_commit(source) is None  # no commit yet, and the file is not tracked
    subprocess.run(["git", "-C", tmp_path, "add", "code.py"], check=True)
    assert git_commit(source) is None
    subprocess.run(["git", "-C", tmp_path, *author, "commit", "-q", "-m", "x"], check=True)
    commit = git_commit(source)
    assert commit is not None
    assert len(commit) == 40
    (tmp_path / "other.py").write_text("")
    assert git_commit(tmp_path / "other.py") is None


def test_no_git_is_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit() is None


def test_questions_tell_versions_of_a_set_apart() -> None:
    rows = [scored("vsr", 0, 1.0, 0.5), scored("vsr", 1, 0.0, 0.1)]
    answered = [scored("vsr", 1, 1.0, 0.9), scored("vsr", 0, 0.0, 0.0)]
    other = replace(rows[0], prediction=replace(rows[0].prediction, question="another?"))
    first = set_result(rows).questions
    assert first is not None
    assert set_result(answered).questions == first  # neither answers nor their order count
    assert set_result([other, rows[1]]).questions != first
    assert set_result(rows[:1]).questions != first


def test_results_of_before_acc_had_two_ways_are_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, results())
    fields = json.loads(path.read_text())
    del fields["sets"]["vsr"]["acc_binary"]
    path.write_text(json.dumps(fields))
    vsr, mme = (read_results(path).sets[name].metrics for name in ("vsr", "mme"))
    assert vsr["acc_binary"] == Estimate(None, None, None, 0)
    assert vsr["acc"].mean == 50.0
    assert mme["acc_binary"].mean == 100.0


def test_what_earlier_results_do_not_say_is_none(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, results())
    fields = json.loads(path.read_text())
    for name in ("code", "suite", "settings_hash", "triplets", "triplets_hash", "annotation"):
        del fields[name]
    del fields["sets"]["vsr"]["questions"]
    path.write_text(json.dumps(fields))
    found = read_results(path)
    assert (found.code, found.suite, found.triplets, found.sets["vsr"].questions) == (None,) * 4
    assert found.annotation == ANSWERS  # no reward saw boxes then


@pytest.mark.parametrize("annotation", [ANSWERS, ANSWERS_AND_BOXES, None])
def test_what_training_used_is_kept(tmp_path: Path, annotation: str | None) -> None:
    path = tmp_path / "results.json"
    write_results(path, replace(results(), annotation=annotation))
    assert json.loads(path.read_text())["annotation"] == annotation
    assert read_results(path).annotation == annotation


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"detect"}))  # no suite asks it
def test_questions_have_the_same_fingerprint_when_their_predictions_are_read_again(tmp_path, kind):
    samples = ShapesSource(kind, "test", 12)
    said = [
        Prediction.of(sample, "<answer> 2", set=kind, row=row, box_space=sample.space)
        for row, sample in enumerate(samples)
    ]
    rows = score_predictions(said, RulesJudge(), tagged_answers=True)
    write_predictions(tmp_path / "predictions.jsonl", {kind: rows})
    again = read_predictions(tmp_path / "predictions.jsonl")
    scored = score_predictions(again, RulesJudge(), tagged_answers=True)
    assert set_result(rows).questions == set_result(scored).questions


class Metered:
    """A judge by a service, as far as the share of its failures goes."""

    name = model = "fails"
    trouble = None
    max_failure_rate = 0.5

    def take_usage(self) -> Usage:
        return NOTHING


def test_samples_that_the_judge_failed_on_are_counted_noted_and_limited(tmp_path: Path) -> None:
    rows = [scored("vsr", 0, 1.0, 0.5)]
    samples = [replace(scored("vsr", 0, acc, None)) for acc in (1.0, None, None, None)]
    found = replace(results(), sets={"vsr": set_result(rows, samples)})
    write_results(tmp_path / "results.json", found)
    assert read_results(tmp_path / "results.json") == found
    assert (found.sets["vsr"].judge_failures, found.sets["vsr"].samples_unjudged) == (0, 3)
    assert "vsr: the judge failed on 3 samples: they are not in pass@k" in left_out(found)
    with pytest.raises(JudgeFailed, match="failed on 3 of 4 answers"):
        check_failed(Metered(), Measured(found, {"vsr": rows}, {"vsr": samples}))
    check_failed(Metered(), Measured(found, {"vsr": rows}, {"vsr": samples[:2]}))
