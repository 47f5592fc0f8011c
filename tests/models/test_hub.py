"""Models of the Hub, which is on this machine here: what is asked for, found again, and refused."""

import re
from pathlib import Path

import pytest
from loopback import COMMIT, cut, status

from grit.core.errors import GritError
from grit.models.hub import commit_of, model_folder
from grit.models.loading import find_checkpoint
from grit.models.names import is_hub_id

NAME = "me/some-model"
OTHER = "f" * 40


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Files as a model's, with code and pickled weights among them."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "merges.txt", "modeling_own.py", "a.bin"):
        (folder / name).write_text(name)
    return folder


def refusal(*arguments, **options) -> str:
    with pytest.raises(GritError) as raised:
        model_folder(*arguments, **options)
    assert len(str(raised.value)) < 500
    return str(raised.value)


def test_what_a_model_is_made_of_and_no_code(hub, model):
    hub.put_model(NAME, model)
    folder = model_folder(NAME)
    assert {file.name for file in folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "merges.txt",
    }
    assert (folder / "model.safetensors").read_text() == "model.safetensors"
    assert not any(path.endswith((".py", ".bin")) for path in hub.asked)


def test_weights_are_left_there_where_nobody_wants_them(hub, model):
    hub.put_model(NAME, model)
    folder = model_folder(NAME, weights=False)
    assert (folder / "config.json").exists()
    assert not (folder / "model.safetensors").exists()
    assert not any("safetensors" in path for path in hub.asked)
    assert (model_folder(NAME) / "model.safetensors").exists()  # afterwards, by who does


def test_a_folder_here_comes_first(hub, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hub.put_model(NAME, model)
    (tmp_path / NAME).mkdir(parents=True)
    assert model_folder(NAME) == Path(NAME)
    assert not hub.asked


def test_the_commit_is_known(hub, model):
    hub.put_model(NAME, model)
    assert commit_of(model_folder(NAME)) == COMMIT
    assert commit_of(model_folder(NAME) / "model.safetensors") == COMMIT
    assert commit_of(model) is None
    assert commit_of(model / "snapshots" / "main") is None


def test_a_checkpoint_of_the_hub(hub, model):
    hub.put_model(NAME, model)
    found = find_checkpoint(NAME)
    assert (found.name, found.commit, found.is_full_model) == (NAME, COMMIT, True)
    assert (found.path / "model.safetensors").exists()


def test_a_checkpoint_at_a_revision(hub, model):
    hub.put_model(NAME, model, commit=OTHER)
    found = find_checkpoint(f"{NAME}@{OTHER}")
    assert (found.name, found.commit) == (f"{NAME}@{OTHER}", OTHER)
    with pytest.raises(GritError, match=f"checkpoint={NAME}: .*cannot give it"):
        find_checkpoint(f"{NAME}@{'0' * 40}")


def test_an_adapter_of_the_hub_is_no_whole_model(hub, model):
    (model / "adapter_config.json").write_text("{}")
    hub.put_model(NAME, model)
    assert not find_checkpoint(NAME).is_full_model


def test_what_was_downloaded_is_there_without_the_hub(hub, model):
    hub.put_model(NAME, model)
    first = find_checkpoint(NAME)
    hub.put(f"/api/models/{NAME}", status(503))
    assert find_checkpoint(NAME) == first


def test_half_a_download_is_no_model(hub, model):
    hub.put_model(NAME, model)
    for revision in ("main", COMMIT):
        hub.put(f"/{NAME}/resolve/{revision}/model.safetensors", status(404))
    refusal(NAME)
    hub.put(f"/api/models/{NAME}", status(503))
    assert "cannot give it" in refusal(NAME)


@pytest.mark.parametrize("code", [401, 403, 404, 500])
def test_what_the_hub_does_not_give(hub, code):
    hub.put(f"/api/models/{NAME}", status(code))
    message = refusal(NAME, setting="checkpoint")
    assert message.startswith(f"checkpoint={NAME}: no folder here")
    assert f"'hf download {NAME}' and set checkpoint to the folder" in message


def test_a_cut_connection(hub, model):
    hub.put_model(NAME, model)
    for revision in ("main", COMMIT):
        hub.put(f"/{NAME}/resolve/{revision}/config.json", cut(b"0" * 100))
    assert "cannot give it" in refusal(NAME)


@pytest.mark.parametrize(
    "name",
    [
        "nowhere",
        "./some/model",
        "/some/model",
        "~/model",
        "a/b/c",
        "a\\b/c",
        "../model",
        "a/b.ckpt/",
    ],
)
def test_what_can_be_no_name_of_the_hub_is_not_asked_for(hub, name):
    assert not is_hub_id(name)
    with pytest.raises(GritError, match=f"checkpoint={re.escape(str(Path(name)))}: expected"):
        find_checkpoint(name)
    assert not hub.asked


def test_a_name_that_the_hub_would_not_take(hub):
    assert "cannot give it" in refusal("some/..model")
