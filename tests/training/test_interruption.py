"""Signals at bad moments: none is lost, and every interrupted run says how it goes on."""

import os
import shlex
import signal
import time

import pytest
from desk import Desk, refused, results, succeeded
from learners import fit, module
from pytorch_lightning.strategies import SingleDeviceStrategy

from grit.core import interruption
from grit.core.errors import Interrupted
from grit.training.checkpoints import Checkpoints, latest

TOLD = '''
"""Sends its own process the signals that TOLD names, at the moment that it names."""

import os
import signal
import time

moment, _, names = os.environ.get("TOLD", "").partition(":")


def tell(now):
    global moment
    if now == moment:
        moment = None
        for name in names.split(","):
            os.kill(os.getpid(), getattr(signal, name))
            time.sleep(0.3)  # two in one moment are one


def term(response):
    if response.dataset != "rehearsal":
        tell("step")
    return len(response.trace.text) / 100


def judge(question, truth, prediction):
    if question != "Is there a dog?":
        tell("evaluation")
    return truth == prediction
'''
SMOKE = (
    *("experiment=smoke", "trainer.max_steps=3", "judge=own", "judge.call=told.judge"),
    *("+reward.terms.mine={call: told.term, weight: 1.0}", "hydra.run.dir=run"),
)


@pytest.fixture
def place(tmp_path):
    desk = Desk(tmp_path / "desk")
    desk.folder.mkdir()
    (tmp_path / "desk-library" / "told.py").write_text(TOLD, encoding="utf-8")
    return desk


@pytest.mark.parametrize("names", ["SIGTERM,SIGTERM", "SIGINT,SIGTERM", "SIGINT,SIGINT"])
def test_told_twice_a_run_ends_at_once_and_says_how_it_goes_on(place, names):
    message = refused(place.grit(*SMOKE, TOLD=f"step:{names}"))
    assert "interrupted twice" in message
    assert "stopped after step 0 of 3; go on with: python -m grit " in message
    assert not (place.folder / "run" / "results.json").exists()


@pytest.mark.parametrize(("name", "said"), [("SIGTERM", "SIGTERM"), ("SIGINT", "Ctrl-C")])
def test_told_while_it_evaluates_a_run_says_how_it_goes_on(place, name, said):
    message = refused(place.grit(*SMOKE, TOLD=f"evaluation:{name}"))
    before, _, command = message.partition("; go on with: ")
    assert before == f"grit: interrupted by {said}"
    succeeded(place.grit(*shlex.split(command)[3:]))
    assert results(place.folder / "run")["sets"]


def test_told_in_a_multirun_no_run_follows(place):
    command = [*SMOKE[:-1], "seed=1,2", "hydra.sweep.dir=many", "-m"]
    message = refused(place.grit(*command, TOLD="evaluation:SIGTERM"))
    assert "interrupted by SIGTERM; go on with: " in message
    assert len(list((place.folder / "many").glob("*/config.yaml"))) == 1


def test_a_signal_that_comes_while_processes_agree_is_not_lost(tmp_path, monkeypatch):
    """It used to be overwritten by what they had agreed on without it."""
    agree = SingleDeviceStrategy.reduce_boolean_decision
    told = []

    def agreed(self, decision, all=True):
        found = agree(self, decision, all)
        if not told:
            told.append(True)
            os.kill(os.getpid(), signal.SIGTERM)
        return found

    monkeypatch.setattr(SingleDeviceStrategy, "reduce_boolean_decision", agreed)
    checkpoints = Checkpoints(tmp_path / "c", every=100)
    fit(module(max_steps=3), tmp_path, callbacks=[checkpoints])
    assert checkpoints.interrupted
    assert latest(tmp_path / "c").name == "step-000002.ckpt"


def test_what_has_come_is_seen_by_whoever_looks_later():
    kept = signal.getsignal(signal.SIGTERM)
    with interruption.listening():
        with pytest.raises(interruption.Stop):
            os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.asked()
        fault = RuntimeError("the other process has gone")
        ended = interruption.ended(fault)
    assert isinstance(ended, Interrupted)
    assert str(ended) == "interrupted by SIGTERM; start it again"
    assert signal.getsignal(signal.SIGTERM) is kept
    with interruption.listening():
        assert not interruption.asked()
        assert interruption.ended(fault) is fault


@pytest.mark.parametrize("first", interruption.SIGNALS)
def test_a_signal_that_torchrun_repeats_is_one(monkeypatch, first):
    """SLURM sends SIGTERM to all processes, as a terminal does SIGINT."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    with interruption.listening():
        interruption.defer(lambda: None, within=60)
        os.kill(os.getpid(), first)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(interruption.Stop, match="twice"):
            os.kill(os.getpid(), signal.SIGTERM)
        interruption.undefer()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_signal_that_comes_while_something_is_deleted_is_not_lost():
    """Python ignores what a __del__ raises."""

    class Deleted:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)

    def waits():
        Deleted()
        time.sleep(5)

    with interruption.listening(), pytest.raises(interruption.Stop, match="SIGTERM"):
        waits()
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_a_fork_has_no_run_of_its_own():
    with interruption.listening():
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
        assert not interruption.asked()


def test_in_a_job_of_submitit_sigterm_is_submitits(monkeypatch):
    """It puts a preempted job back into the queue, unless the job ends by itself before."""
    received = []
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    try:
        with interruption.listening():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as Lightning sets one of its own
            interruption.defer(lambda: None, 60)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
            interruption.undefer()
            assert not interruption.asked()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert received == [signal.SIGTERM]
