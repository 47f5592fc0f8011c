"""The command line's runs, from start to end. Several tests look at each."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from desk import SECRETS, Desk, Done, files, refused, results, rows, succeeded

LEARNING = (
    "experiment=smoke",
    "trainer.max_steps=4",
    "training.learning_rate=0.03",
    "+reward.terms.variety={call: mine.variety, weight: 1.0}",
    "logger.mode=auto",
)
PHOTOGRAPHS = (
    *("data=vsr_tally", "suite.limit=2", "trainer.progress_bar=false"),
    *("model.adaptation=lora", "model.lora.target_modules=[q_proj,v_proj,down_proj]"),
    "rollout.sampling.max_new_tokens=16",
)
METRICS = {"acc", "acc_binary", "exact_match", "giou", "format_rate"}
SETS = ["vsr", "tallyqa", "gqa", "mathvista", "mme", "ovd"]


# --- a whole run


@pytest.fixture(scope="module")
def trained(desk: Desk) -> Done:
    """A training of four steps from start to end, in the folder ``straight``."""
    before = set(desk.folder.iterdir())
    done = desk.process(*LEARNING, "hydra.run.dir=straight", CALLS=desk.calls("straight"))
    assert done.returncode == 0, done.stderr
    assert set(desk.folder.iterdir()) - before == {desk.folder / "straight"}
    return done


@pytest.fixture(scope="module")
def straight(desk: Desk, trained: Done) -> Path:
    return desk.folder / "straight"


def test_a_run_prints_a_table_of_before_and_after(trained: Done) -> None:
    succeeded(trained)
    lines = trained.stdout.splitlines()
    row = rf" *({'|'.join(SETS)}) (ACC|GIoU|Format) +2 "
    table = [line.split() for line in lines if re.match(row, line)]
    assert list(dict.fromkeys(line[0] for line in table)) == SETS
    assert len(table) == 15  # three metrics of each set; two have no boxes, one has no answers
    assert all(len(line) >= 6 for line in table)  # set, metric, n, before, after, difference
    heading = next(line.split() for line in lines if "difference" in line)
    assert heading[-3:] == ["before", "after", "difference"]
    assert "straight/results.json" in trained.stdout


def test_everything_is_in_the_folder_of_the_run(straight: Path) -> None:
    found = set(files(straight))
    assert {
        "config.yaml",
        "results.json",
        "predictions.jsonl",
        "results.before.json",
        "predictions.before.jsonl",
        "metrics.jsonl",
        "report.html",
        "model/config.json",
        "model/model.safetensors",
    } <= found
    assert [name for name in found if name.startswith("wandb/offline-run-")]
    assert [name for name in found if re.fullmatch(r"checkpoints/[^.]*4\.ckpt", name)]
    assert [name for name in found if re.search(r"partial|\.tmp|~$|/\.(?!hydra)", name)] == []
    assert "${" not in (straight / "config.yaml").read_text()


def test_results_are_as_the_contract_says(straight: Path) -> None:
    for name in ("results.json", "results.before.json"):
        found = results(straight, name)
        assert {key: found[key] for key in ("schema_version", "method", "model", "data")} == {
            "schema_version": 1,
            "method": "grit",
            "model": "tiny_qwen",
            "data": "shapes",
        }
        assert (found["reward"], found["judge"], found["seed"]) == ("grpo_gr", "rules", 0)
        assert re.fullmatch(r"[0-9a-f]{12}", found["config_hash"])
        assert found["git"] is None or re.fullmatch(r"[0-9a-f]{40}", found["git"])
        assert list(found["sets"]) == SETS
        for one in found["sets"].values():
            assert (one["n"], one["judge_failures"]) == (2, 0)
            for metric in METRICS:
                assert set(one[metric]) == {"mean", "low", "high", "n"}
            assert one["acc_binary"] == one["acc"]  # the rule gives nothing between 0 and 1
        assert found["sets"]["mathvista"]["giou"]["mean"] is None  # no boxes
        assert found["sets"]["vsr"]["giou"]["n"] == 2


def test_predictions_are_as_the_contract_says(straight: Path) -> None:
    found = rows(straight / "predictions.jsonl")
    assert [row["set"] for row in found] == [name for name in SETS for _ in range(2)]
    assert len({(row["set"], row["id"]) for row in found}) == 12
    fields = {"set", "id", "question", "truth", "completion", "answer", "boxes"}
    for row in found:
        assert fields | {"acc", "exact_match", "giou", "format"} <= set(row)
        assert row["question"].strip()
        assert row["truth"] not in (None, "")
    asked = [[row[key] for key in ("set", "id", "question", "truth")] for row in found]
    before = rows(straight / "predictions.before.jsonl")
    assert [[row[key] for key in ("set", "id", "question", "truth")] for row in before] == asked
    for name, one in results(straight)["sets"].items():
        values = [row["exact_match"] for row in found if row["set"] == name]
        known = [value for value in values if value is not None]
        assert one["exact_match"]["n"] == len(known)
        assert not known or one["exact_match"]["mean"] == 100 * sum(known) / len(known)


def test_the_model_has_learned_something(straight: Path) -> None:
    """Else the tests that compare checkpoints could not fail."""
    said = [
        [row["completion"] for row in rows(straight / name)]
        for name in ("predictions.before.jsonl", "predictions.jsonl")
    ]
    assert said[0] != said[1]


def test_metrics_of_every_step(straight: Path) -> None:
    found = rows(straight / "metrics.jsonl")
    assert [row["step"] for row in found] == [0, 1, 2, 3]
    for row in found:
        names = " ".join(row)
        for part in ("think_tags", "rethink_tags", "box_format", "count", "judge", "bleu"):
            assert part in names
        for what in ("advantage", "variance", "kl", "entropy", "truncated", "boxes", "seconds"):
            assert what in names
    assert len({row["train/reward_part/variety"] for row in found}) > 1


def test_no_file_holds_a_secret(straight: Path) -> None:
    holders = [
        name
        for name, content in files(straight).items()
        for secret in SECRETS.values()
        if secret.encode() in content
    ]
    assert holders == []


def test_a_second_start_in_the_same_folder_is_refused(desk: Desk, straight: Path) -> None:
    before = files(straight)
    message = refused(desk.grit(*LEARNING, "seed=1", "hydra.run.dir=straight"))
    assert "straight" in message
    assert "resume=true" in message
    after = files(straight)
    assert set(after) == set(before)
    log = "grit.log"  # which may say that there was another start
    assert after.pop(log).startswith(before.pop(log))
    assert [name for name in before if after[name] != before[name]] == []


# --- what a run has saved


@pytest.fixture(scope="module")
def evaluated(desk: Desk, straight: Path) -> dict[tuple[str, str | None], dict[str, Any]]:
    """(model.path, checkpoint) -> the results of evaluating them, in one multirun."""
    (checkpoint,) = (path.relative_to(desk.folder) for path in straight.glob("checkpoints/*.ckpt"))
    done = desk.grit(
        *("-m", "task=evaluate", "experiment=smoke", "hydra.sweep.dir=evaluated"),
        "model.path=tiny:qwen,straight/model",
        f"checkpoint=null,straight,{checkpoint}",
    )
    succeeded(done)
    found = {}
    for folder in sorted((desk.folder / "evaluated").iterdir()):
        if folder.is_dir():
            values = yaml.safe_load((folder / "config.yaml").read_text())
            found[values["model"]["path"], values["checkpoint"]] = results(folder)["sets"]
    return found


def test_a_trained_model_is_evaluated_to_what_the_run_found(
    evaluated: dict[tuple[str, str | None], dict[str, Any]], straight: Path
) -> None:
    assert len(evaluated) == 6
    before, after = results(straight, "results.before.json")["sets"], results(straight)["sets"]
    for (path, checkpoint), found in evaluated.items():
        untrained = path == "tiny:qwen" and checkpoint is None
        assert found == (before if untrained else after), (path, checkpoint)


# --- an interruption


@pytest.fixture(scope="module")
def interrupted(desk: Desk) -> Done:
    where = "hydra.run.dir=a folder/interrupted"
    return desk.grit(*LEARNING, where, INTERRUPT="1", CALLS=desk.calls("interrupted"))


@pytest.fixture(scope="module")
def resumed(desk: Desk, interrupted: Done) -> Path:
    """What has become of the interrupted run by the command that it printed."""
    command = shlex.split(interrupted.stderr.strip().rpartition("go on with: ")[2])
    assert command[:3] == ["python", "-m", "grit"]
    succeeded(desk.grit(*command[3:], CALLS=desk.calls("resumed")))
    return desk.folder / "a folder" / "interrupted"


def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(interrupted: Done) -> None:
    message = refused(interrupted)
    assert re.search(r"interrupted after step 1 of 4; go on with: python -m grit ", message)


def test_a_resumed_run_goes_on_and_does_not_begin_again(
    desk: Desk, straight: Path, resumed: Path
) -> None:
    straight_calls, interrupted_calls, resumed_calls = (
        Path(desk.calls(name)).stat().st_size for name in ("straight", "interrupted", "resumed")
    )
    assert 0 < interrupted_calls < straight_calls
    assert interrupted_calls + resumed_calls == straight_calls


def test_a_resumed_run_is_as_if_it_had_never_stopped(straight: Path, resumed: Path) -> None:
    for name in ("predictions.before.jsonl", "predictions.jsonl", "model/model.safetensors"):
        assert (resumed / name).read_bytes() == (straight / name).read_bytes(), name
    assert results(resumed)["sets"] == results(straight)["sets"]
    assert results(resumed)["config_hash"] == results(straight)["config_hash"]
    timed = re.compile("second|time|memory")
    steps = [
        [{k: v for k, v in row.items() if not timed.search(k)} for row in rows(path)]
        for path in (straight / "metrics.jsonl", resumed / "metrics.jsonl")
    ]
    assert steps[0] == steps[1]


# --- several runs


@pytest.fixture(scope="module")
def several(desk: Desk) -> Done:
    """Four jobs, of which the second and the fourth cannot work."""
    return desk.grit(
        *("-m", "experiment=smoke", "hydra.sweep.dir=several"),
        *("method=direct,cot", "training.group_size=2,1"),
    )


def test_a_multirun_goes_on_after_a_job_that_fails(several: Done, desk: Desk) -> None:
    assert several.returncode == 1
    assert "Traceback" not in several.stderr + several.stdout
    messages = several.stderr.splitlines()
    assert len(messages) == 2
    for number, message in zip((1, 3), messages, strict=True):
        assert f"job {number}: " in message
        assert "training.group_size" in message
    found = {
        results(path.parent)["method"]: results(path.parent)
        for path in (desk.folder / "several").glob("*/results.json")
    }
    assert set(found) == {"direct", "cot"}
    assert found["direct"]["config_hash"] != found["cot"]["config_hash"]


def test_methods_without_training_only_evaluate(several: Done, desk: Desk) -> None:
    for path in (desk.folder / "several").glob("*/results.json"):
        names = set(files(path.parent))
        assert "predictions.jsonl" in names
        assert not {name for name in names if re.match("metrics|model/|checkpoints/", name)}
        direct = results(path.parent)["method"] == "direct"
        for row in rows(path.parent / "predictions.jsonl"):
            tagged = row["completion"].partition("<answer>")[2].partition("</answer>")[0]
            said = row["completion"] if direct else tagged
            assert row["answer"] == (said.strip() or None)


def test_settings_that_are_meant_for_other_jobs_are_said(several: Done, desk: Desk) -> None:
    for path in (desk.folder / "several").glob("*/results.json"):
        method = results(path.parent)["method"]
        said = f"training.group_size=2 changes nothing: method={method} trains nothing"
        assert said in (path.parent / "grit.log").read_text()


# --- real photographs


@pytest.fixture(scope="module")
def photographed(desk: Desk, grit_rows: Path) -> tuple[Done, dict[str, Path]]:
    """Two steps on the paper's rows with either tiny model; its folders by the model's name.

    They learn by LoRA, as the large models do.
    """
    done = desk.grit(
        *("-m", "model=tiny_qwen,tiny_internvl", *PHOTOGRAPHS, f"data.root={grit_rows}"),
        *("trainer.max_steps=2", "training.prompts_per_step=2", "training.learning_rate=0.05"),
        *("+reward.terms.variety={call: mine.variety, weight: 1.0}", "logger=none"),
        f"hydra.sweep.dir=photographed/{grit_rows.name}",
    )
    made = (desk.folder / "photographed" / grit_rows.name).glob("*/results.json")
    folders = [path.parent for path in made]
    return done, {results(folder)["model"]: folder for folder in folders}


def test_real_rows_end_in_results(photographed: tuple[Done, dict[str, Path]]) -> None:
    done, folders = photographed
    succeeded(done)
    assert set(folders) == {"tiny_qwen", "tiny_internvl"}
    for folder in folders.values():
        found = results(folder)
        assert (found["data"], list(found["sets"])) == ("vsr_tally", ["vsr"])
        assert found["sets"]["vsr"]["n"] == 1  # the one test row whose photograph is there
        assert len(rows(folder / "metrics.jsonl")) == 2


def test_missing_images_are_counted_and_not_listed(
    grit_rows: Path, photographed: tuple[Done, dict[str, Path]]
) -> None:
    done, _ = photographed
    missing = {"vsr": 287, "tallyqa": 491, "gqa": 509, "mathvista_mini": 1000, "mme": 240}
    missing["ovd_position"] = 2146
    if grit_rows.name == "samples":
        missing = dict.fromkeys(missing, 2) | {"vsr": 1}
    for name, count in missing.items():
        assert re.search(rf"\b{name}\b.*\b{count}\b", done.stdout)
    assert len(done.stdout.splitlines()) < 100  # of two runs, with their tables


def test_a_model_speaks_boxes_of_its_own_space(
    photographed: tuple[Done, dict[str, Path]],
) -> None:
    _, folders = photographed
    (qwen,) = rows(folders["tiny_qwen"] / "predictions.jsonl")
    (internvl,) = rows(folders["tiny_internvl"] / "predictions.jsonl")
    assert (qwen["box_space"], internvl["box_space"]) == ("resized", "normalized_1000")
    assert (qwen["width"], qwen["height"]) == (internvl["width"], internvl["height"])


def test_what_lora_has_learned_is_evaluated(
    desk: Desk, grit_rows: Path, photographed: tuple[Done, dict[str, Path]]
) -> None:
    trained = photographed[1]["tiny_qwen"]
    folder = trained.relative_to(desk.folder)
    after = rows(trained / "predictions.jsonl")
    assert after != rows(trained / "predictions.before.jsonl")  # else this could not fail
    (checkpoint,) = (path.name for path in trained.glob("checkpoints/*.ckpt"))
    done = desk.grit(
        *("-m", "task=evaluate", "model=tiny_qwen", *PHOTOGRAPHS, f"data.root={grit_rows}"),
        f"checkpoint={folder},{folder}/model,{folder}/checkpoints/{checkpoint}",
        f"hydra.sweep.dir=lora/{grit_rows.name}",
    )
    succeeded(done)
    made = (desk.folder / "lora" / grit_rows.name).glob("*/predictions.jsonl")
    found = [rows(path) for path in made]
    assert found == [after] * 3
