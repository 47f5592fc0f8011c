"""What ends a training, or a step of it: gradients, memory, a judge."""

import itertools

import pytest
import torch
from learners import Service, fit, learnt, likes_letters, module, unjudged, without_times

from grit.core.errors import GritError
from grit.grounding.traces import parse
from grit.judge.judge import JudgeFailed
from grit.rewards import response as response_file
from grit.rewards.term import needs
from grit.training.checkpoints import Checkpoints, latest
from grit.training.settings import ObjectiveSettings


def test_a_gradient_that_is_no_number_ends_training_before_the_step(tmp_path):
    one = module()
    weights = {name: p.detach().clone() for name, p in one.model.named_parameters()}
    one.trainable_parameters()[0].register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(GritError, match=r"diverged.*training\.learning_rate"):
        fit(one, tmp_path)
    for name, parameter in one.model.named_parameters():
        assert torch.equal(parameter, weights[name])


@pytest.mark.parametrize(
    ("full", "setting"),
    [
        ("engine._complete", "rollout.tokens_per_batch"),
        ("reference.logp", "training.tokens_per_pass"),
        ("policy.scores", "training.tokens_per_pass"),
    ],
)
def test_where_the_memory_of_a_gpu_is_full_the_setting_that_makes_room_is_named(
    tmp_path, monkeypatch, full, setting
):
    def refuse(*arguments):
        raise torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.18"
            " GiB of which 1.05 GiB is free. See documentation for Memory Management"
        )

    one = module()
    checkpoints = Checkpoints(tmp_path / "c", every=100)
    *owners, name = full.split(".")
    owner = one
    for part in owners:
        owner = getattr(owner, part)
    monkeypatch.setattr(owner, name, refuse)
    with pytest.raises(GritError) as caught:
        fit(one, tmp_path, callbacks=[checkpoints])
    assert str(caught.value) == (
        "the GPU's memory is full (CUDA out of memory. Tried to allocate 2.00 GiB.): "
        f"lower {setting}"
    )
    last = latest(tmp_path / "c")  # to go on from with the lower setting
    assert last is not None
    assert last.name == "step-000000.ckpt"


def test_a_step_that_has_changed_the_weights_leaves_no_checkpoint(tmp_path, monkeypatch):
    """The second of a rollout's updates runs out of memory: the first is in the weights."""
    one = module(updates_per_rollout=2)
    scores, updates = one.policy.scores, itertools.count()

    def refuse(*arguments):
        if one.committed and next(updates) == 0:
            raise torch.OutOfMemoryError("CUDA out of memory. GPU 0 has no more.")
        return scores(*arguments)

    monkeypatch.setattr(one.policy, "scores", refuse)
    with pytest.raises(GritError, match="memory is full"):
        fit(one, tmp_path, callbacks=[Checkpoints(tmp_path / "c", every=100)])
    assert latest(tmp_path / "c") is None


def test_what_has_no_room_at_all_is_said_instead_of_a_setting(tmp_path, monkeypatch):
    """AdamW makes its states in the first step: fewer tokens a pass would make no room for them."""
    one = module()

    def refuse(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB. GPU 0 has 1.")

    monkeypatch.setattr(one.layout, "step", refuse)
    with pytest.raises(GritError) as caught:
        fit(one, tmp_path)
    said = str(caught.value)
    assert said.startswith(
        "the GPU's memory is full (CUDA out of memory. Tried to allocate 9 GiB.): it has no room "
        "for AdamW's states; take model.adaptation=lora"
    )
    assert "tokens_per_pass" not in said


def test_a_step_that_nobody_could_judge_changes_nothing(tmp_path):
    one = module(unjudged, max_steps=1)
    before = learnt(one)
    row = fit(one, tmp_path)[0]
    assert row["train/judge_failures"] == 16
    for name, weight in learnt(one).items():
        assert torch.equal(weight, before[name]), name


@pytest.fixture
def answered(monkeypatch):
    """A random model's completions as answers: each second one where ``half``, else all."""

    def let(half=False):
        count = itertools.count()

        def parsed(text):
            answers = next(count) % 2 == 0 if half else True
            return parse(f"<answer>so {text}" if answers else text)

        monkeypatch.setattr(response_file, "parse", parsed)

    return let


@needs(judge=True)
def letters_if_judged(response):
    return None if response.judged is None else likes_letters(response)


class FailsAt(Service):
    """A judge that fails in the steps from ``first`` to ``last``."""

    def __init__(self, first, last=10**6):
        self.first, self.last, self.steps = first, last, 0

    def score(self, queries):
        step, self.steps = self.steps, self.steps + 1
        return [None if self.first <= step <= self.last else 1.0] * len(queries)


def test_a_step_without_a_judge_is_skipped_and_said(tmp_path, caplog, answered):
    answered()
    judge = FailsAt(1, 1)
    rows = fit(module(letters_if_judged, judge=judge, max_steps=3), tmp_path)
    assert [row["train/judge_failures"] for row in rows] == [0, 16, 0]
    assert ["train/loss" in row for row in rows] == [True, False, True]
    assert [r.getMessage() for r in caplog.records if "skipped" in r.getMessage()] == [
        "no completion of this step could be judged: it is skipped"
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_too_many_failures_stop_with_a_checkpoint_to_go_on_from(tmp_path, first, answered):
    """The step that could not be judged is done again: nothing of it has happened."""
    answered()
    judge = FailsAt(first)
    judge.max_failure_rate = 0.4
    checkpoints = Checkpoints(tmp_path / "c", every=100)
    with pytest.raises(JudgeFailed, match=f"16 of {16 * first + 16} answers.*max_failure_rate=0.4"):
        fit(module(letters_if_judged, judge=judge, max_steps=2), tmp_path, callbacks=[checkpoints])
    last = latest(tmp_path / "c")
    assert last.name == f"step-{first:06d}.ckpt"
    resumed, whole = (module(letters_if_judged, judge=FailsAt(9), max_steps=2) for _ in range(2))
    rows = fit(resumed, tmp_path, resume=last)
    assert without_times(rows) == without_times(fit(whole, tmp_path / "whole"))
    for name, weight in learnt(whole).items():
        assert torch.equal(learnt(resumed)[name], weight), name


def test_completions_without_an_answer_hide_no_dead_judge(tmp_path, answered):
    answered(half=True)
    judge = FailsAt(0)
    judge.max_failure_rate = 0.9
    with pytest.raises(JudgeFailed, match="8 of 8 answers"):
        fit(module(letters_if_judged, judge=judge, max_steps=1), tmp_path)


def test_dynamic_sampling_hides_no_failing_judge(tmp_path, answered):
    """Groups without judged answers are replaced: those count as well."""
    answered()

    class FailsFirst(FailsAt):
        def score(self, queries):
            self.steps += 1
            return [1.0, *[None if self.steps == 1 else 1.0] * (len(queries) - 1)]

    judge = FailsFirst(0)
    judge.max_failure_rate = 0.4
    one = module(
        letters_if_judged, judge=judge, max_steps=1,
        objective=ObjectiveSettings(dynamic_sampling=1),
    )  # fmt: skip
    with pytest.raises(JudgeFailed, match=r"failed on 1\d of 32 answers"):
        fit(one, tmp_path)
    assert judge.steps == 2


def test_a_dead_judge_costs_one_rollout(tmp_path, answered):
    answered()
    judge = FailsAt(0)
    objective = ObjectiveSettings(dynamic_sampling=3)
    with pytest.raises(JudgeFailed, match="16 of 16 answers"):
        fit(module(letters_if_judged, judge=judge, objective=objective), tmp_path)
    assert judge.steps == 1


def test_a_term_that_cannot_say_is_no_failure_of_the_judge(tmp_path, answered):
    answered()
    row = fit(module(unjudged, judge=FailsAt(9), max_steps=1), tmp_path)[0]
    assert row["train/judge_failures"] == 16  # completions without a reward


def test_a_judge_that_gave_up_stops_at_once(tmp_path):
    judge = FailsAt(9)
    judge.trouble = "the quota is exhausted"
    with pytest.raises(JudgeFailed, match="gave up: the quota is exhausted"):
        fit(module(judge=judge), tmp_path, callbacks=[Checkpoints(tmp_path / "c", every=100)])
    assert latest(tmp_path / "c").name == "step-000000.ckpt"
