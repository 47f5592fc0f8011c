"""Which overrides change nothing in the run that they are given to."""

import pytest
from composing import config

from grit.config.unused import check_choices, one_of_many, unused
from grit.core.errors import GritError

FOUR = "training.updates_per_rollout=4"


def found(*overrides: str) -> dict[str, bool]:
    """Those without effect, and whether a run of its own is refused for them."""
    return {each.override: each.refused for each in unused(config(*overrides), overrides)}


@pytest.mark.parametrize(
    ("kind", "override"),
    [
        ("method=direct", "reward=released"),
        ("method=cot", "+reward.terms.mine={call: a.b, weight: 1}"),
        ("method=icl", "trainer.max_steps=5"),
        ("method=direct", "training.prompts_per_step=4"),
        ("method=direct", "rollout.sampling.temperature=0.9"),
        ("method=direct", "data.total=20"),
        ("method=direct", "~data.sources.vsr"),
        ("method=sft", "reward.counting_datasets=[a]"),
        ("task=evaluate", "reward=no_count"),
        ("method=grit", "rollout.urls=[http://a:1]"),
        ("task=evaluate", "rollout.sampling.top_k=3"),
        ("task=evaluate", "training.sft.steps=3"),
        ("objective=cispo", "training.objective.epsilon_high=2"),
        (f"objective=sapo {FOUR}", "training.objective.ratio_limit=2"),
        (f"objective=sapo {FOUR}", "training.epsilon=0.1"),
        ("objective=gdpo", "training.advantage.scale=none"),
        ("objective=dr_grpo", "training.advantage.sample_std=true"),
        ("training.advantage.scale=none", "training.advantage.delta=1e-4"),
        (f"objective=gspo {FOUR}", "training.objective.sapo_positive=2"),
        ("training.beta=0", "training.objective.beta_schedule=cosine"),
        ("objective=papo", "training.perception.least_scale=0.5"),
        ("objective=dapo", "training.perception.blanked=0.5"),
        ("evaluation.every=0", "evaluation.patience=3"),
        ("model.adaptation=full", "model.lora.rank=8"),
    ],
)
def test_what_belongs_to_another_kind_of_run_is_refused(kind: str, override: str) -> None:
    assert found(*kind.split(), override, "seed=1") == {override: True}


@pytest.mark.parametrize(
    "override",
    [
        *("training.epsilon=0.3", "training.objective.epsilon_high=0.28", "objective=gspo"),
        *("training.objective.ratio_limit=4", "objective=sapo", "training.ratio=sequence_mean"),
        "training.objective.surrogate=cispo",
    ],
)
def test_what_acts_on_ratios_alone_is_said_where_they_are_1(override: str) -> None:
    """At one update a rollout every surrogate has the gradient of A log pi."""
    assert found("method=grit", override) == {override: False}
    assert found("method=grit", override, FOUR) == {}


def test_what_else_an_objective_changes_is_used() -> None:
    for override in ("objective=dapo", "objective=cispo", "objective=rloo", "objective=vppo"):
        assert found("method=grit", override) == {}
    # The gradient of a sequence's ratio grows with its length, whatever the surrogate is.
    for override in ("training.ratio=sequence", "training.objective.surrogate=cispo"):
        assert found("training.ratio=sequence", override) == {}
    assert found("objective=cispo", "training.objective.ratio_limit=0.5") == {}
    # The engine's weights are averaged over a completion then.
    assert found("rollout=vllm", "training.ratio=sequence_mean") == {}


@pytest.mark.parametrize(
    ("kind", "override"),
    [
        ("method=direct", "trainer.checkpoint_every=5"),
        ("method=direct", "evaluation.before_training=false"),
        ("method=sft", "training.group_size=2"),
        ("method=sft", "training.steps=2"),
        ("method=grit", "training.sft.steps=2"),
        ("rollout=vllm", "rollout.decode=dynamic"),
        ("trainer.max_steps=9", "evaluation.every=10"),
        ("logger=tensorboard", "logger.project=mine"),
        ("logger=trackio", "logger.mode=online"),
        ("logger=none", "logger.project=mine"),
        ("logger=none", "logger.rows=3"),
        ("evaluation.every=0", "suite@validation=shapes_dev"),
        ("evaluation.every=0", "validation.limit=3"),
        ("method=direct", "evaluation.every=5"),
        ("task=evaluate", "evaluation.every=5"),
        ("task=evaluate", "evaluation.patience=5"),
        ("method=grit", "evaluation.temperature=0.5"),
        ("method=grit", "correlation.chains=2"),
        ("method=grit", "faithfulness.draws=2"),
        ("method=grit", "pretrain.pool=8"),
        ("method=grit", "validation.limit=2"),
        ("task=tables", "model=tiny_qwen"),
        ("task=attention", "judge=rules"),
    ],
)
def test_what_does_no_harm_is_said(kind: str, override: str) -> None:
    more = ["runs=[a]"] if kind in ("task=tables", "task=attention") else []
    assert found(kind, override, *more) == {override: False}


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("infer", "samples=1 is the greedy answer"),
        ("demo", "task=demo does not go by it"),
        ("evaluate", "evaluation.samples=0 draws none"),
    ],
)
def test_a_temperature_that_draws_nothing_says_why(task: str, reason: str) -> None:
    overrides = [f"task={task}", "evaluation.temperature=0.7"]
    assert [each.reason for each in unused(config(*overrides), overrides)] == [reason]


def test_the_mixtures_of_the_scaling_study_have_their_own_sizes() -> None:
    sizes = "data.sources.vsr.rows=9", "data.total=99"
    given = ("task=data", "data=vsr_tally_7000", "data.seed=1", "data.root=x", "suite=paper")
    assert found(*given, *sizes) == dict.fromkeys(sizes, False)


def test_predictions_are_asked_no_questions() -> None:
    given = ("task=evaluate", "predictions=a", "suite.limit=2", "model=tiny_qwen", "method=cot")
    assert found(*given) == {"suite.limit=2": False}


def test_predictions_are_written_for_harnesses_and_named_by_a_suite() -> None:
    given = ("task=evaluate", "predictions=a", "evaluation.harnesses=[lmms_eval]", "suite=shapes")
    assert found(*given) == {}


def test_predictions_may_be_said_to_be_of_a_reward() -> None:
    given = ("task=evaluate", "predictions=a", "reward=no_count", "reward.counting_datasets=[a]")
    assert found(*given) == {"reward.counting_datasets=[a]": True}


@pytest.mark.parametrize(
    "overrides",
    [
        ["method=direct", "data=vsr_tally", "data.root=x", "suite.limit=2", "judge=openai"],
        ["method=direct", "model.path=x", "model.adaptation=full", "trainer.precision=bf16-mixed"],
        ["method=direct", "training=paper", "rollout.sampling.max_new_tokens=9"],
        ["method=direct", "rollout.decode=dynamic", "rollout.tokens_per_batch=99"],
        ["method=direct", "evaluation.max_new_tokens=9", "logger=none", "threads=1", "seed=2"],
        ["method=sft", "training.sft.steps=2", "trainer.max_steps=2", "training.warmup_steps=1"],
        ["method=sft", "training.prompts_per_step=2", "rollout.sampling.max_new_tokens=9"],
        ["method=grit", "reward=released", "training.group_size=2", "data.seed=1"],
        ["task=evaluate", "checkpoint=x", "data=vsr_tally", "method=grit", "model.lora.rank=8"],
        ["task=score", "input=a", "output=b", "reward=released", "judge=openai", "logger=none"],
        ["task=correlation", "runs=[a]", "judge=openai", "correlation.chains=2", "seed=1"],
        ["rollout=vllm", "rollout.urls=[http://a:1]", "rollout.importance_cap=null"],
        ["task=report", "runs=[a]", "logger=tensorboard", "logger.project=mine"],
        ["model.adaptation=lora", "model.lora.target_modules=[a]", "model.lora.rank=8"],
        ["task=evaluate", "rollout=vllm", "rollout.python=a", "rollout.sampling.max_new_tokens=9"],
        ["model=qwen2_5_vl_3b", "rollout.merge_lora=true", "rollout.importance_cap=3"],
        ["task=pretrain", "model=tiny_qwen", "pretrain.pool=8"],
        ["task=data", "data.root=x", "preparation.workers=2"],
        ["task=faithfulness", "runs=[a]", "judge=openai", "faithfulness.mask=blur", "seed=1"],
        ["task=faithfulness", "runs=[a]", "rollout=vllm", "rollout.urls=[http://127.0.0.1:9]"],
        ["task=export", "checkpoint=x", "evaluation.max_new_tokens=9", "export.weights=merged"],
        ["task=infer", "image=a.png", "rollout=vllm", "rollout.launch=true"],
        ["task=infer", "image=a.png", "samples=4", "evaluation.temperature=0.7"],
        ["exhibits=[faithfulness]", "faithfulness.questions=2"],
        ["exhibits=[figure5]", "attention.samples=2", "correlation.chains=1"],
    ],
    ids=" ".join,
)
def test_what_counts_is_not_mentioned(overrides: list[str]) -> None:
    assert found(*overrides) == {}


def test_no_evaluation_of_what_trains_nothing_is_nothing_to_do() -> None:
    off = ("evaluation.before_training=false", "evaluation.after_training=false")
    assert found("method=cot", *off) == dict.fromkeys(off, True)
    assert found("method=grit", *off) == {}
    assert found("method=cot", off[1]) == {off[1]: False}


def test_a_run_among_others_got_what_is_meant_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
    assert one_of_many(multirun=True)
    assert not one_of_many(multirun=False)
    monkeypatch.setenv("WANDB_SWEEP_ID", "x")
    assert one_of_many(multirun=False)


@pytest.mark.parametrize("objective", ["gspo", "grpo_gr"])
def test_a_preset_that_is_an_objective_stands_beside_no_other(objective: str) -> None:
    check_choices(["training=dapo", "objective=dapo"], "tiny:qwen")
    check_choices(["training=released", f"objective={objective}"], "tiny:qwen")
    with pytest.raises(GritError, match=f"training=dapo is objective=dapo.*{objective}"):
        check_choices(["training=dapo", f"objective={objective}"], "tiny:qwen")


def test_a_preset_of_the_tiny_models_is_refused_for_a_full_one() -> None:
    hub = "Qwen/Qwen2.5-VL-3B-Instruct"
    with pytest.raises(GritError, match=f"tiny models; objective=dapo .* model.path={hub}"):
        check_choices(["model=qwen2_5_vl_3b", "training=dapo"], hub)
    check_choices(["model=qwen2_5_vl_3b", "objective=dapo", "training=paper"], hub)
