"""Other weights in the folder of a base model: they are noticed, wherever the folder lies."""

import os
import shutil
from pathlib import Path

import pytest
from composing import config

from grit.config.identity import code_hash, folder_name
from grit.core.errors import GritError
from grit.core.folder_fingerprint import folder_fingerprint
from grit.runs.inputs import check_inputs, inputs_of

MEBIBYTE = 2**20


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(9 * MEBIBYTE))
    (folder / "config.json").write_text('{"model_type": "qwen2_5_vl"}')
    (folder / "README.md").write_text("a model")
    return folder


def other_weights(folder: Path, where: slice = slice(None)) -> None:
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[where] = os.urandom(len(weights[where]))
    (folder / "model.safetensors").write_bytes(weights)


def test_a_copy_elsewhere_and_other_words_are_the_same_model(model: Path, tmp_path: Path) -> None:
    before = folder_fingerprint(model)
    (model / "README.md").write_text("the model")
    assert folder_fingerprint(model) == before
    assert folder_fingerprint(Path(shutil.copytree(model, tmp_path / "copy"))) == before


@pytest.mark.parametrize(
    "where",
    [
        slice(None),
        slice(0, 8),
        slice(-8, None),
        slice(4 * MEBIBYTE, 5 * MEBIBYTE),  # a layer
    ],
    ids=str,
)
def test_other_weights_are_another_model(model: Path, where: slice) -> None:
    before = folder_fingerprint(model)
    other_weights(model, where)
    assert folder_fingerprint(model) != before


def test_another_configuration_or_file_is_another_model(model: Path) -> None:
    before = folder_fingerprint(model)
    (model / "config.json").write_text('{"model_type": "qwen3_vl"}')
    changed = folder_fingerprint(model)
    (model / "chat_template.jinja").write_text("{{ messages }}")
    assert len({before, changed, folder_fingerprint(model)}) == 3


def test_a_job_on_other_weights_is_another_job(model: Path) -> None:
    settings = config("model=qwen2_5_vl_3b", f"model.path={model}")
    before = code_hash(settings), folder_name(settings)
    assert (code_hash(settings), folder_name(settings)) == before
    other_weights(model)
    assert code_hash(settings) != before[0]
    assert folder_name(settings) != before[1]


def test_a_run_does_not_go_on_with_other_weights(model: Path) -> None:
    settings = config("model=qwen2_5_vl_3b", f"model.path={model}")
    then = inputs_of(settings, (), ())
    check_inputs(inputs_of(settings, (), ()), then, "run")
    other_weights(model)
    now = inputs_of(settings, (), ())
    with pytest.raises(GritError, match=r"the files of the base model differ .* run began with"):
        check_inputs(now, then, "run")
    check_inputs(now, {}, "a run that has not recorded it")


def test_a_model_that_is_no_folder_is_no_input() -> None:
    assert inputs_of(config("model=qwen2_5_vl_3b"), (), ()) == {}
    assert inputs_of(config(), (), ()) == {}
