import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from composing import config
from finished_runs import results_of
from PIL import Image

from grit.config.identity import plain
from grit.core.errors import GritError
from grit.data.suites import test_sets as sets_of
from grit.evaluation.predictions import Prediction, read_scored
from grit.evaluation.scoring import score_predictions
from grit.judge.rules import RulesJudge
from grit.runs.finished import FinishedRun, find_runs
from grit.runs.results import write_predictions


def test_a_run_is_read_as_it_was_written(finished_run, tmp_path: Path) -> None:
    written = finished_run(tmp_path / "a", seed=3, wrong=[1, 4])
    (run,) = find_runs([tmp_path])
    assert run.folder == tmp_path / "a"
    assert run.results == written.results
    assert run.rows() == {"vsr": written.rows["vsr"]}
    assert set(run.rows("before")) == {"vsr"}
    assert run.config["seed"] == 3
    assert run.page is None
    assert run.wandb_ids == ()


def test_runs_are_found_at_any_depth_and_once(finished_run, tmp_path: Path) -> None:
    for name in ("b/0", "b/1", "a"):
        finished_run(tmp_path / name)
    inside = tmp_path / "a" / "wandb" / "files"
    inside.mkdir(parents=True)
    (inside / "results.json").write_text("{}")  # of no run
    for name in ("offline-run-20260102_030405-abc123", "run-20260103_030405-def456", "latest-run"):
        (tmp_path / "a" / "wandb" / name).mkdir()
    (tmp_path / "a" / "report.html").write_text("")
    runs = find_runs([tmp_path, tmp_path / "b"])
    assert [str(run.folder.relative_to(tmp_path)) for run in runs] == ["a", "b/0", "b/1"]
    assert runs[0].wandb_ids == ("abc123", "def456")
    assert runs[0].page == tmp_path / "a" / "report.html"


def test_the_latest_wandb_run_is_the_last_whether_it_was_online_or_not(
    finished_run, tmp_path: Path
) -> None:
    finished_run(tmp_path)
    for name in ("run-20260101_030405-bbb", "offline-run-20260102_030405-aaa"):
        (tmp_path / "wandb" / name).mkdir(parents=True)
    assert find_runs([tmp_path])[0].wandb_ids == ("bbb", "aaa")


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GritError, match=r"no results\.json in or below"):
        find_runs([tmp_path])
    with pytest.raises(GritError, match="is not a folder"):
        find_runs([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("acc", "good", '"acc": expected a number or null'),
        ("giou", True, '"giou": expected a number or null'),
        ("format_parts", None, '"format_parts": expected the parts of the format'),
        ("boxes", [[1, 2]], '"boxes": expected a list of boxes'),
    ],
)
def test_a_broken_row_is_named(finished_run, tmp_path: Path, field, value, expected) -> None:
    finished_run(tmp_path)
    path = tmp_path / "predictions.jsonl"
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | {field: value}), *rest]))
    with pytest.raises(GritError) as raised:
        read_scored(path)
    assert f"{path} line 1" in str(raised.value)
    assert expected in str(raised.value)


def test_a_broken_configuration_is_named(finished_run, tmp_path: Path) -> None:
    finished_run(tmp_path)
    (tmp_path / "config.yaml").write_text("- a\n- b\n")
    with pytest.raises(GritError, match=r"config\.yaml: expected an object"):
        _ = find_runs([tmp_path])[0].config
    (tmp_path / "config.yaml").write_text("a: [")
    with pytest.raises(GritError, match=r"config\.yaml: cannot be read"):
        _ = find_runs([tmp_path])[0].config


def test_questions_are_found_where_the_data_are_now(tmp_path: Path) -> None:
    """A folder that comes from another machine names a folder of data that is not here."""
    (tmp_path / "here" / "vsr").mkdir(parents=True)
    Image.new("RGB", (8, 6)).save(tmp_path / "here" / "vsr" / "a.png")
    row = {"question": "?", "image": "a.png", "width": 8, "height": 6, "dataset": "vsr"}
    (tmp_path / "here" / "vsr_val.jsonl").write_text(json.dumps(row | {"answer": "no"}) + "\n")
    (sample,) = sets_of(config("suite=paper", f"suite.root={tmp_path / 'here'}").suite)[0].samples
    said = Prediction.of(sample, "no", set="vsr", row=0, box_space=sample.space)
    rows = {"vsr": score_predictions([said], RulesJudge(), tagged_answers=False)}
    write_predictions(tmp_path / "predictions.jsonl", rows)
    elsewhere = config("suite=paper", "suite.root=/elsewhere/data")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(plain(elsewhere)))
    run = FinishedRun(tmp_path, results_of(rows))
    with pytest.raises(GritError, match=r"set suite\.root"):
        run.sample(run.predictions[0])
    moved = replace(run, suite_root=str(tmp_path / "here"))
    assert moved.sample(moved.predictions[0]).id == sample.id
