import json
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.evaluation.predictions import read_scored
from grit.runs.finished import find_runs


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
