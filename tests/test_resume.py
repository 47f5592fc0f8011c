"""Runs that are killed (SIGKILL) and go on by the same command as if nothing had happened.

A reward term of the tests' own learns something within a few steps, and its module kills the
process at the place that KILL names.
"""

import json
import os
import random
import re
from pathlib import Path

import pytest
from desk import Done
from warmed import server

from grit.core.errors import GritError
from grit.core.files import archive_is_whole
from grit.training.checkpoints import latest

pytestmark = pytest.mark.slow

MINE = """
import os
import signal
from glob import glob

from grit.rollout import sampler
from pytorch_lightning import Trainer

place, _, number = os.environ.get("KILL", "").partition(":")
counted = 0


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def count():
    global counted
    counted += 1
    if counted == int(number):
        die()


choose, save = sampler.choose, Trainer.save_checkpoint


def chosen(logits, uniform, sampling, forbidden):
    if place == "rollout" and not sampling.greedy:
        count()
    if place == "evaluation" and sampling.greedy and glob("runs/*/*/model"):
        count()
    return choose(logits, uniform, sampling, forbidden)


def saved(self, path, *arguments, **options):
    save(self, path, *arguments, **options)
    if place == "checkpoint":
        share = int(number) / 100
        if self.global_step == 3:
            os.truncate(path, int(os.path.getsize(path) * share))
            die()


sampler.choose, Trainer.save_checkpoint = chosen, saved


def variety(response):
    return len(set(response.trace.text)) / 10
"""
COMMAND = (
    *("experiment=smoke", "trainer.max_steps=4", "trainer.checkpoint_every=1", "suite.limit=1"),
    *("training.learning_rate=0.03", "rollout.sampling.max_new_tokens=12", "logger=none"),
    *("model.adaptation=lora", "model.lora.target_modules=[q_proj,v_proj]"),
    "model.lora.dropout=0.1",
    "+reward.terms.variety={call: mine.variety, weight: 1.0}",
    "threads=1",
)


def grit(folder: Path, *more: str, **environment: str) -> Done:
    (folder / "library").mkdir(parents=True, exist_ok=True)
    (folder / "library" / "mine.py").write_text(MINE, encoding="utf-8")
    paths = [str(folder / "library"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | environment
    return server().start(["-m", "grit", *COMMAND, *more], folder, environment).done()


def run_of(folder: Path) -> Path:
    (found,) = folder.glob("runs/*/*")
    return found


def outcome(run: Path) -> dict[str, object]:
    """Everything that must not depend on whether a run was killed."""
    timed = re.compile("seconds|per_second")
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    told = {
        name: (run / name).read_text() for name in ("predictions.before.jsonl", "predictions.jsonl")
    }
    for name in ("results.before.json", "results.json"):
        results = json.loads((run / name).read_text())
        told[name] = {key: value for key, value in results.items() if key != "git"}
    return {
        "weights": (run / "model" / "adapter_model.safetensors").read_bytes(),
        "metrics": [{k: v for k, v in row.items() if not timed.search(k)} for row in metrics],
        **told,
    }


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("straight")
    done = grit(folder)
    assert done.returncode == 0, done.stderr[-2000:]
    found = outcome(run_of(folder))
    assert found["predictions.jsonl"] != found["predictions.before.jsonl"]  # it learns something
    return found


@pytest.mark.slow
@pytest.mark.parametrize("place", ["rollout", "checkpoint", "evaluation"])
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    straight: dict[str, object], tmp_path: Path, place: str
) -> None:
    # Up to 12 tokens are chosen in each of 4 steps; the third checkpoint is cut off at so many
    # percent; each of six sets has an answer of at least one token.
    last = {"rollout": 40, "checkpoint": 99, "evaluation": 6}[place]
    kill = f"{place}:{random.SystemRandom().randint(1, last)}"
    killed = grit(tmp_path, KILL=kill)
    assert killed.returncode == -9, (kill, killed.stderr[-2000:])
    (run,) = tmp_path.glob("runs/*/*")
    assert not (run / "report.html").exists()
    done = grit(tmp_path, "resume=true")
    assert done.returncode == 0, (kill, done.stderr[-2000:])
    assert f"going on with {run.relative_to(tmp_path)} after step " in done.stdout
    if place == "checkpoint":
        assert "after step 2 of 4" in done.stdout
    found = outcome(run_of(tmp_path))  # in the one folder
    for name, expected in straight.items():
        assert found[name] == expected, (kill, name)


def test_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    done = grit(tmp_path, "resume=true")
    assert done.returncode == 1
    assert done.stderr.startswith("grit: resume=true: no unfinished run of this configuration in r")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.glob("runs/*")) == []


# --- which checkpoint, which run


def checkpoint(folder: Path, steps: int) -> Path:
    import torch

    path = folder / f"step-{steps:06d}.ckpt"
    torch.save({"weights": torch.arange(5000.0)}, path)
    return path


def test_a_damaged_checkpoint_is_skipped_and_named(tmp_path: Path, caplog) -> None:
    caplog.set_level("INFO")
    whole = checkpoint(tmp_path, 1)
    torn, flipped = checkpoint(tmp_path, 2), checkpoint(tmp_path, 3)
    torn.write_bytes(torn.read_bytes()[:-500])
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 255
    flipped.write_bytes(content)
    garbage = tmp_path / "step-000004.ckpt"
    garbage.write_bytes(b"garbage")
    assert latest(tmp_path) == whole
    for path in (torn, flipped, garbage):
        assert f"{path} is damaged or incomplete: skipped" in caplog.text
    assert archive_is_whole(whole)


def test_no_damage_of_a_byte_stops_a_run_from_going_on(tmp_path: Path) -> None:
    """None in the archive's directory either, which has no checksum of its own."""
    import torch

    def read(path: Path) -> dict[str, object]:
        return {k: v.tolist() for k, v in torch.load(path, weights_only=True).items()}

    before, last = (tmp_path / f"step-00000{i}.ckpt" for i in (1, 2))
    for path in (before, last):
        torch.save({"weights": torch.arange(9.0)}, path)
    whole, expected = last.read_bytes(), read(before)
    directory = whole.index(b"PK\x01\x02")
    skipped = 0
    for at in range(len(whole)):
        content = bytearray(whole)
        content[at] ^= 255
        last.write_bytes(content)
        found = latest(tmp_path)
        assert found in (before, last), at
        if at < directory:
            assert read(found) == expected, at  # what is taken is what was written
        skipped += found == before
    assert skipped > len(whole) / 3


def test_garbage_given_as_a_checkpoint_is_one_line(adapter, tmp_path: Path) -> None:
    from grit.models.loading import load_trained

    garbage = tmp_path / "step-000004.ckpt"
    garbage.write_bytes(b"garbage")
    with pytest.raises(GritError, match="is no checkpoint, or damaged: expected a"):
        load_trained(adapter, garbage)


@pytest.fixture
def config():
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from grit.config.configuration import CONF, checked, register

    def composed(*overrides: str):
        register()
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return checked(compose("config", overrides=list(overrides)))

    return composed


def test_the_newest_unfinished_run_of_the_same_configuration_is_found(config, tmp_path) -> None:
    from grit.runs.folder import RunFolder
    from grit.runs.run_record import unfinished

    def begun(name, config, started, *, ended=False):
        run = RunFolder.at(config, tmp_path / "day" / name, [])
        run.begin(config)
        record = run.folder / "run.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | {"started": started}))
        if ended:
            run.end()

    wanted, other = config("seed=1"), config("seed=2")
    begun("a", wanted, "2026-01-01")
    begun("b", wanted, "2026-01-03")
    begun("c", wanted, "2026-01-02")
    begun("d", wanted, "2026-01-05", ended=True)
    begun("e", other, "2026-01-04")
    for name, damaged in {"f": "", "g": "{}", "h": "[]"}.items():  # by a full disk, say
        (tmp_path / "day" / name).mkdir()
        (tmp_path / "day" / name / "run.json").write_text(damaged)
    assert unfinished(config("seed=1", "resume=true"), tmp_path) == tmp_path / "day" / "b"
    again = RunFolder.at(config("seed=1", "resume=true"), tmp_path / "day" / "b", [])
    again.end()
    records = [json.loads((tmp_path / "day" / name / "run.json").read_text()) for name in "db"]
    assert [record["resumed"] for record in records] == [False, True]
    with pytest.raises(GritError, match="no unfinished run of this configuration"):
        unfinished(config("seed=3"), tmp_path)
    with pytest.raises(GritError, match=r"h/run\.json: is damaged; name another folder"):
        RunFolder.at(config("resume=true"), tmp_path / "day" / "h", [])
