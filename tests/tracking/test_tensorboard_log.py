"""Real event files, read back by TensorBoard's own accumulator."""

import io
import logging
from pathlib import Path

import pytest
import yaml
from composing import config
from PIL import Image
from shown_run import begun, evaluate, findings, resumed, rollouts, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    EventAccumulator as ServedEvents,
)
from tensorboard.plugins.hparams.metadata import EXPERIMENT_TAG, SESSION_START_INFO_TAG
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from grit.config.identity import plain
from grit.tracking.dashboard import evaluation_numbers, rollout_picture
from grit.tracking.tensorboard_log import tensorboard

EVERYTHING = {"scalars": 0, "tensors": 0, "images": 0}  # kept of a tag: all
RUN = config("training.beta=0.02")


def read(folder: Path) -> EventAccumulator:
    read = EventAccumulator(str(folder / "tensorboard"), size_guidance=EVERYTHING)
    return read.Reload()


def served(folder: Path) -> ServedEvents:
    """As the server of TensorBoard reads them, whose rule for a restart is another one."""
    return ServedEvents(str(folder / "tensorboard"), {"tensors": 0}).Reload()


def points(log: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in log.Scalars(tag)]


def text(log: EventAccumulator | ServedEvents, tag: str) -> list[str]:
    events = log.Tensors(f"{tag}/text_summary")
    return [event.tensor_proto.string_val[0].decode() for event in events]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run of four steps that is stopped after three and resumed after two."""
    folder = tmp_path_factory.mktemp("runs") / "stopped"
    found = findings(folder, 4)
    with tensorboard(RUN, begun(folder)) as dashboard:
        dashboard.numbers(evaluation_numbers(found.before.results), 0)
        train(dashboard, range(3), 1.0)
    with tensorboard(RUN, resumed(folder, 2)) as dashboard:
        assert dashboard.kept == 2
        train(dashboard, range(2, 4), 2.0)
        evaluate(dashboard, found)
    return folder


def test_steps_that_are_done_again_are_there_once(folder):
    log = read(folder)
    assert points(log, "train/reward") == [(0, 1.0), (1, 1.0), (2, 2.0), (3, 2.0)]
    assert [step for step, _ in points(log, "reward_part_vsr/bleu")] == [0, 1, 2, 3]
    assert [step for step, _ in points(log, "eval/vsr/acc")] == [0, 4]
    for tag in ("train/reward", "completions/2"):
        assert [event.step for event in served(folder).Tensors(tag)] == [0, 1, 2, 3]


def test_a_run_without_a_checkpoint_begins_again(tmp_path):
    folder = tmp_path / "run"
    for run in (begun(folder), resumed(folder, 0)):
        with tensorboard(RUN, run) as dashboard:
            train(dashboard, range(2), 2.0)
    log = read(folder)
    assert points(log, "train/reward") == [(0, 2.0), (1, 2.0)]
    assert len(text(served(folder), "config")) == 1


def test_what_is_logged_is_on_disk_when_its_step_ends(tmp_path):
    with tensorboard(RUN, begun(tmp_path / "run")) as dashboard:
        train(dashboard, range(1), 1.0)
        assert points(read(tmp_path / "run"), "train/reward") == [(0, 1.0)]


def test_the_configuration_is_there_to_read_and_to_compare_by(folder):
    log = read(folder)
    (said,) = text(log, "config")
    assert yaml.safe_load(said.removeprefix("```yaml\n").removesuffix("```")) == plain(RUN)
    data = {
        tag: HParamsPluginData.FromString(log.SummaryMetadata(tag).plugin_data.content)
        for tag in (EXPERIMENT_TAG, SESSION_START_INFO_TAG)
    }
    settings = data[SESSION_START_INFO_TAG].session_start_info.hparams
    assert settings["training.beta"].number_value == 0.02
    assert settings["model.name"].string_value == "tiny_qwen"
    compared = {each.name.tag for each in data[EXPERIMENT_TAG].experiment.metric_infos}
    assert {"eval/mean/acc", "eval/mean/giou"} <= compared & set(log.Tags()["scalars"])


def test_results_are_a_table_and_pictures_of_chains(folder):
    log = read(folder)
    (table,) = text(log, "results")
    (line,) = [line for line in table.splitlines() if line.startswith("| vsr ACC |")]
    assert line.split("|")[3].strip().startswith("0.0 [")
    assert line.split("|")[4].strip().startswith("83.3 [")
    chains = [tag for tag in log.Tags()["images"] if tag.startswith("chains_vsr/")]
    assert len(chains) == 4
    shown = Image.open(io.BytesIO(log.Images("completions/1")[0].encoded_image_string))
    assert shown.convert("RGB").tobytes() == rollout_picture(rollouts()[0]).tobytes()


def test_a_line_says_how_to_look(tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.INFO), tensorboard(RUN, begun(tmp_path / "a run")):
        pass
    assert "TensorBoard: `tensorboard --logdir 'a run/tensorboard'` shows it" in caplog.messages
