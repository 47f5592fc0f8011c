"""What ends a training, or a step of it: gradients, memory, a judge."""

import pytest
import torch
from learners import Service, fit, learnt, likes_letters, module, unjudged, without_times

from grit.core.errors import GritError
from grit.judge.judge import JudgeFailed
from grit.training.checkpoints import Checkpoints, latest


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
        ("reference.policy.logp", "training.tokens_per_pass"),
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
    *owners, name = full.split(".")
    owner = one
    for part in owners:
        owner = getattr(owner, part)
    monkeypatch.setattr(owner, name, refuse)
    with pytest.raises(GritError) as caught:
        fit(one, tmp_path)
    assert str(caught.value) == (
        "the GPU's memory is full (CUDA out of memory. Tried to allocate 2.00 GiB.): "
        f"lower {setting}"
    )


def test_a_step_that_nobody_could_judge_changes_nothing(tmp_path):
    one = module(unjudged, max_steps=1)
    before = learnt(one)
    row = fit(one, tmp_path)[0]
    assert row["train/judge_failures"] == 16
    for name, weight in learnt(one).items():
        assert torch.equal(weight, before[name]), name


class FailsAt:
    """A term that nobody can judge in the steps from ``first`` on, of 16 completions each."""

    def __init__(self, first, last=10**6):
        self.first, self.last, self.scored = first, last, 0

    def __call__(self, response):
        if response.judged is None:  # not yet asked
            return None
        step, self.scored = self.scored // 16, self.scored + 1
        return None if self.first <= step <= self.last else likes_letters(response)


class Says(Service):
    """Scores everything."""

    def score(self, queries):
        return [1.0] * len(queries)


def test_a_step_without_a_judge_is_skipped_and_said(tmp_path, caplog):
    rows = fit(module(FailsAt(1, 1), judge=Says(), max_steps=3), tmp_path)
    assert [row["train/judge_failures"] for row in rows] == [0, 16, 0]
    assert ["train/loss" in row for row in rows] == [True, False, True]
    assert [r.getMessage() for r in caplog.records if "skipped" in r.getMessage()] == [
        "no completion of this step could be judged: it is skipped"
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_too_many_failures_stop_with_a_checkpoint_to_go_on_from(tmp_path, first):
    """The step that could not be judged is done again: nothing of it has happened."""
    judge = Says()
    judge.max_failure_rate = 0.4
    checkpoints = Checkpoints(tmp_path / "c", every=100)
    with pytest.raises(JudgeFailed, match=f"16 of {16 * first + 16} answers.*max_failure_rate=0.4"):
        fit(module(FailsAt(first), judge=judge, max_steps=2), tmp_path, callbacks=[checkpoints])
    last = latest(tmp_path / "c")
    assert last.name == f"step-{first:06d}.ckpt"
    resumed, whole = (module(judge=Says(), max_steps=2) for _ in range(2))
    rows = fit(resumed, tmp_path, resume=last)
    assert without_times(rows) == without_times(fit(whole, tmp_path / "whole"))
    for name, weight in learnt(whole).items():
        assert torch.equal(learnt(resumed)[name], weight), name


def test_a_judge_that_gave_up_stops_at_once(tmp_path):
    judge = Says()
    judge.trouble = "the quota is exhausted"
    with pytest.raises(JudgeFailed, match="gave up: the quota is exhausted"):
        fit(module(judge=judge), tmp_path, callbacks=[Checkpoints(tmp_path / "c", every=100)])
    assert latest(tmp_path / "c").name == "step-000000.ckpt"
