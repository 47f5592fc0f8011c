"""The benchmarks in their tiny setting: they run, measure the same work, keep what they have."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

CHECKOUT = Path(__file__).parent.parent.parent

# TRL is what we are measured against, not what we need: the trl extra has it.
needs_trl = pytest.mark.skipif(
    importlib.util.find_spec("trl") is None, reason="pip install -e '.[trl]'"
)


@pytest.fixture(autouse=True)
def _benchmarks_are_found(monkeypatch):
    monkeypatch.syspath_prepend(str(CHECKOUT))


@pytest.fixture
def smoke():
    from benchmarks.step import SMOKE

    return replace(SMOKE, group_size=2)


def names(smoke):
    from benchmarks.step import arms

    return [arm.label for arm in arms(smoke)]


def test_every_arm_of_ours_makes_the_tokens_it_should(smoke):
    from benchmarks.arms import measure_here
    from benchmarks.step import arms

    for arm in arms(replace(smoke, steps=2), trl=False):
        found = measure_here(arm)  # raises where a step did not make its tokens
        assert found.tokens == 12
        assert 0 < found.rollout < found.step
        assert 0 < found.update < found.step
        assert found.peak > 1e8


def test_ways_to_decode_and_to_attend_are_arms_of_their_own(smoke):
    from benchmarks.arms import measure_here
    from benchmarks.gpu_step import ours

    choices = {"decode": ["auto", "static"], "attention": ["sdpa", "eager"], "rollout_batch": [9]}
    arms = list(ours(replace(smoke, tokens_per_rollout_batch=9), choices))
    assert [arm.label for arm in arms] == [
        *("ours, float32", "ours eager, float32"),
        *("ours static, float32", "ours static eager, float32"),
    ]
    assert len({arm.file for arm in arms}) == 4
    assert [a.label for a in ours(smoke, {"rollout_batch": [9]})] == ["ours 9, float32"]
    assert arms[0].parts == {}
    assert measure_here(arms[3]).tokens == 12


@needs_trl
@pytest.mark.filterwarnings("default")  # TRL's and its parts' own
@pytest.mark.parametrize("changes", [{}, {"beta": 0.01, "lora": True, "dtype": "bfloat16"}])
def test_trl_makes_the_same_tokens_behind_the_same_prompts(smoke, changes, monkeypatch):
    from benchmarks import theirs
    from benchmarks.arms import Arm, measure_here
    from benchmarks.shape import prompt_tokens

    prompts = []
    rollout = theirs.TimedTrainer._generate_and_score_completions

    def spy(self, inputs):
        batch = rollout(self, inputs)
        prompts.append(int(batch["prompt_mask"][0].sum()))
        return batch

    monkeypatch.setattr(theirs.TimedTrainer, "_generate_and_score_completions", spy)
    shape = replace(smoke, **changes)
    found = measure_here(Arm("TRL", shape, "trl"))
    assert found.tokens == 12
    assert 0 < found.rollout < found.step
    assert prompts == [prompt_tokens(shape)]


def test_prompts_are_those_that_the_suite_encodes(smoke):
    from benchmarks.shape import make_adapter, prompt_tokens, samples
    from grit.models.prompting import Prompting

    for model in ("smoke", "smoke_internvl"):
        shape = replace(smoke, model=model)
        encoded = Prompting().encode(samples(shape)[0], make_adapter(shape))
        assert len(encoded.input_ids) == prompt_tokens(shape)


def test_an_arm_has_a_process_of_its_own_and_is_measured_once(smoke, tmp_path, capfd):
    from benchmarks.arms import Arm, measured

    first = measured(Arm("ours", smoke), tmp_path)
    assert measured(Arm("ours", smoke), tmp_path) == first
    assert capfd.readouterr().out.count("measuring") == 1


def test_the_table_goes_to_the_log(smoke, tmp_path, monkeypatch):
    from benchmarks import arms, step

    made = arms.Measurement(rollout=2.0, update=1.0, step=3.0, tokens=12, peak=2e9)
    monkeypatch.setattr(step, "measured", lambda arm, folder: made)
    log = tmp_path / "log.md"
    monkeypatch.setattr(sys, "argv", ["step", "--smoke", "--log", str(log)])
    step.main()
    text = log.read_text()
    for label in names(smoke):
        assert f"| {label} | 2.00 (1.00x) | 1.00 (1.00x) | 3.00 (1.00x) | 2.00 (1.00x) |" in text
    assert "torch" in text
    assert "python -m benchmarks.step --smoke" in text


def test_the_other_benchmarks_fill_their_tables(tmp_path, monkeypatch):
    from benchmarks import arms, gpu_step, peers, scaling

    made = arms.Measurement(rollout=2.0, update=1.0, step=3.0, tokens=12, peak=2e9)
    log = tmp_path / "log.md"
    for module in (scaling, gpu_step, peers):
        monkeypatch.setattr(module, "measured", lambda arm, folder: made)
        monkeypatch.setattr(sys, "argv", ["x", "--smoke", "--log", str(log)])
        module.main()
    switched = ["x", "--smoke", "--log", str(log), "--no-trl", "--decode", "captured"]
    monkeypatch.setattr(sys, "argv", [*switched, "--attention", "eager"])
    gpu_step.main()
    text = log.read_text()
    assert "| smoke | full | ours captured eager | 2.00 |" in text
    assert "| 52 | 2 | 2.00 / 2.00 | 1.00 / 1.00 | 3.00 / 3.00 | 2.00 / 2.00 |" in text
    assert "| 52 | 2 | ours | 2.00 | in rollout | 1.00 | 3.00 |" in text
    assert "| 52 | 2 | TRL | 2.00 | in rollout | 1.00 | 3.00 |" in text
    assert "Ours with vLLM was left out" in text
    assert "| smoke | LoRA | TRL | 2.00 | in rollout | 1.00 | 3.00 | 0.67 | 4 | - | 2.0 |" in text


def test_the_large_models_have_their_sizes():
    """Against the numbers of parameters that their makers publish."""
    import torch
    from transformers import AutoModelForImageTextToText

    from benchmarks.shape import Shape, model_config

    for name, billions in (("qwen2_5_vl_3b", 3.75), ("internvl3_2b", 2.09)):
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(model_config(Shape(model=name)))
        found = sum(p.numel() for p in model.parameters()) / 1e9
        assert found == pytest.approx(billions, rel=0.02), name


def test_an_arm_that_needs_too_much_memory_is_a_finding(smoke, tmp_path, monkeypatch):
    from benchmarks import scaling
    from benchmarks.arms import Arm

    huge = Arm("huge", replace(smoke, side=1 << 20))
    assert scaling._unless_too_large(huge, tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_no_measured_phase_is_faster_than_its_limit():
    from benchmarks.limits import MEASURED, lines

    for row in MEASURED:
        for *_, limit, measured, _ in lines(row):
            assert 0 < float(limit) < float(measured)


def test_the_limit_of_a_phase_follows_from_its_shape():
    """Against sums made by hand for 3.09e9 weights, of which 0.31e9 are in the head."""
    from benchmarks.limits import LORA, work
    from grit.training.costs import GPUS

    least = work(LORA, batches=2, prompt=432)
    tokens = 32 * 432 + 128 * 300
    assert least["reference"][0].flops == pytest.approx(
        2 * (2.775e9 * tokens + 0.311e9 * 128 * 300), rel=0.01
    )
    cached = 2 * 36 * 2 * 128 * 2  # keys and values, layers, heads of 128, bf16
    moved = 600 * 2 * 3.086e9 + cached * 128 * (300 * 432 + 300 * 299 / 2)
    assert least["rollout"][1].moved == pytest.approx(moved, rel=0.01)
    assert least["rollout"][1].limit(GPUS["H100"]) == pytest.approx(moved / 3.35e12, rel=0.01)
    frozen, learning = (work(replace(LORA, lora=lora), 1, 432)["update"][0] for lora in (1, 0))
    assert learning.flops / frozen.flops == pytest.approx(4 / 3)


def test_what_another_machine_measured_is_measured_again(smoke, tmp_path, monkeypatch):
    from benchmarks import arms
    from benchmarks.step import arms as of_step

    arm = next(iter(of_step(smoke)))
    started = []

    def run(command, **_):
        names = ("rollout", "update", "step", "tokens")
        values = dict.fromkeys(names, 1.0) | {"peak": float(len(started))}
        arm_of, path = json.loads(command[-2]), Path(command[-1])
        path.write_text(
            json.dumps({"arm": arm_of, "measurement": values} | arms.circumstances(arm))
        )
        started.append(path)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(arms.subprocess, "run", run)
    assert [arms.measured(arm, tmp_path).peak for _ in range(2)] == [0.0, 0.0]
    monkeypatch.setattr(arms, "version", lambda name: "another")
    assert [arms.measured(arm, tmp_path).peak for _ in range(2)] == [1.0, 1.0]
    assert len(started) == 2
