"""A whole run of the command with ``rollout=vllm`` that starts its server: training, evaluation."""

from pathlib import Path
from statistics import fmean

import psutil
import pytest
from whole_runs import PYTHON, completions, grit

from grit.runs.metrics_log import MetricsLog

pytestmark = pytest.mark.vllm
ENGINE = ("rollout=vllm", f"rollout.python={PYTHON}", "rollout.start_within=900")
SMALL = (
    *("trainer.max_steps=8", "training.prompts_per_step=8", "training.learning_rate=5e-4"),
    *("suite.limit=12", "evaluation.before_training=false"),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "vllm"
    grit(*ENGINE, *SMALL, f"hydra.run.dir={folder}")
    return folder


def test_a_run_starts_its_server_learns_and_ends_it(trained: Path) -> None:
    rows = list(MetricsLog(trained / "metrics.jsonl").rows())
    assert len(rows) == 8
    for row in rows:  # the same policy, but for rounding
        assert row["train/importance_mean"] == pytest.approx(1.0, abs=1e-3)
        assert row["train/importance_max"] == pytest.approx(1.0, abs=1e-2)
        assert row["train/importance_clipped"] == 0.0
    assert any(row["train/grad_norm"] > 0 for row in rows)
    said = (trained / "grit.log").read_text()
    assert "rollout.launch: VLLM_SERVER_DEV_MODE=1" in said
    assert (trained / "vllm.log").stat().st_size > 0
    commands = (" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"]))
    port = said.partition("--port ")[2].split()[0]
    assert [each for each in commands if f"--port {port}" in each] == []


def test_the_reward_rises_as_with_the_suites_own_engine(trained: Path, tmp_path: Path) -> None:
    """Other random numbers draw the completions, so that rewards are alike, not equal."""
    grit(*SMALL, "evaluation.after_training=false", f"hydra.run.dir={tmp_path / 'native'}")
    begins, ends = {}, {}
    for engine, folder in {"vllm": trained, "native": tmp_path / "native"}.items():
        rewards = [row["train/reward"] for row in MetricsLog(folder / "metrics.jsonl").rows()]
        begins[engine], ends[engine] = fmean(rewards[:2]), fmean(rewards[-4:])
    assert all(ends[engine] > begins[engine] + 0.2 for engine in ends), (begins, ends)
    assert ends["vllm"] == pytest.approx(ends["native"], abs=0.4)


def test_what_it_has_learnt_answers_the_same_by_the_suites_own_engine(
    trained: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "native"
    learnt = f"checkpoint={trained / 'model'}"
    grit("task=evaluate", learnt, "suite.limit=12", f"hydra.run.dir={folder}")
    assert len(completions(folder)) == 6 * 12
    assert completions(folder) == completions(trained)
