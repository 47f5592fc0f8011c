"""The loop: a stopped stage goes on as if it had not stopped; dense targets are what they say."""

import json
import math

import pytest
import torch
from torch import nn

from grit.core.errors import GritError
from grit.data.shapes.scenes import Plan, scene_for
from grit.data.shapes.things import COLORS, SHAPES
from grit.pretraining.heads import CELL, NOTHING, SIDE, targets_for
from grit.pretraining.optimizers import optimizers_for, set_rate
from grit.pretraining.stages import Log, run_stage


class Line:
    """A stage that fits a small layer to seeded targets."""

    name = "line"
    shown = ("error",)

    def __init__(self, steps, stop_at=None):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.trained = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
        self.steps, self.stop_at = steps, stop_at
        self.optimizers = optimizers_for([self.trained], [], 0.01, 0.01)

    def prepare(self):
        pass

    def loss(self, step):
        if step == self.stop_at:
            raise KeyboardInterrupt
        inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        loss = (self.trained(inputs) - inputs.flip(1)).square().mean()
        return loss, {"error": loss.item()}

    def quality(self):
        return {"error": 0.0}


def weights(stage):
    return torch.cat([p.detach().flatten() for p in stage.trained.parameters()])


def test_a_stopped_stage_ends_with_the_same_weights(tmp_path):
    whole, stopped, resumed = Line(40), Line(40, stop_at=23), Line(40)
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    run_stage(whole, tmp_path / "whole", Log(tmp_path / "whole" / "curve.jsonl"), notes=5)
    log = Log(tmp_path / "parts" / "curve.jsonl")
    with pytest.raises(KeyboardInterrupt):
        run_stage(stopped, tmp_path / "parts", log, every_seconds=0.0, notes=5)
    with log.path.open("a") as stream:
        stream.write('{"stage": "li')  # a kill in the middle of a line
    run_stage(resumed, tmp_path / "parts", log, every_seconds=0.0, notes=5)
    assert torch.equal(weights(whole), weights(resumed))
    rows = [json.loads(line) for line in log.path.read_text().splitlines()]
    steps = [row["step"] for row in rows if "seconds" in row]
    assert steps == sorted(set(steps))


def test_a_finished_stage_is_loaded_and_not_trained(tmp_path):
    first, again = Line(5), Line(5, stop_at=0)
    log = Log(tmp_path / "curve.jsonl")
    run_stage(first, tmp_path, log)
    run_stage(again, tmp_path, log)
    assert torch.equal(weights(first), weights(again))


def test_a_checkpoint_of_another_length_is_refused(tmp_path):
    log = Log(tmp_path / "curve.jsonl")
    run_stage(Line(5), tmp_path, log)
    with pytest.raises(GritError, match="5 steps, not 6"):
        run_stage(Line(6), tmp_path, log)


def test_divergence_is_said(tmp_path):
    stage = Line(5)
    with torch.no_grad():
        stage.trained[0].weight.fill_(torch.nan)
    with pytest.raises(GritError, match="not finite"):
        run_stage(stage, tmp_path, Log(tmp_path / "curve.jsonl"))


def test_matrices_go_to_muon_and_everything_else_to_adamw_once():
    inside = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 5), nn.LayerNorm(5))
    reader = nn.Linear(5, 3)
    muon, adamw = optimizers_for([inside], [reader], 1.0, 2.0)
    assert [p.shape for p in muon.param_groups[0]["params"]] == [(5, 4)]
    assert len(adamw.param_groups[0]["params"]) == len(list(inside.parameters())) - 1 + 2
    set_rate([muon, adamw], step=0, steps=100, warmup=10)
    assert muon.param_groups[0]["lr"] == pytest.approx(0.1)
    assert adamw.param_groups[0]["lr"] == pytest.approx(0.2)
    factors = [set_rate([muon], step, 100, 10) for step in range(100)]
    assert max(factors) == pytest.approx(1.0)
    assert factors[-1] == pytest.approx(0.05, abs=0.01)


def test_dense_targets_against_a_count_by_hand():
    scene = scene_for("dev", "heads", 0, plan=Plan(min_things=3, max_things=6))
    targets = targets_for([scene], scale=1.0, digits=2)
    assert int(targets.centers.sum()) == len(scene.things)
    for row in range(SIDE):
        for column in range(SIDE):
            cell = row * SIDE + column
            middle = (column + 0.5) * CELL, (row + 0.5) * CELL
            touching = [t for t in scene.things if _touches(t.box, row, column)]
            if not touching:
                assert targets.shapes[0, cell] == NOTHING
                continue
            near = min(touching, key=lambda t: math.dist(t.center, middle))
            assert targets.shapes[0, cell] == SHAPES.index(near.shape) + 1
            assert targets.colors[0, cell] == list(COLORS).index(near.color) + 1
            said = [10 * a + b for a, b in targets.digits[0, cell].tolist()]
            assert tuple(said) == near.box
            offsets = targets.boxes[0, cell] * CELL + torch.tensor([*middle, *middle])
            assert offsets.tolist() == pytest.approx(list(near.box), abs=1e-3)


def _touches(box, row, column):
    x1, y1, x2, y2 = box
    return (
        x1 < (column + 1) * CELL
        and x2 > column * CELL
        and y1 < (row + 1) * CELL
        and y2 > row * CELL
    )
