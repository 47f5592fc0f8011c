"""Uploading a folder to the Hub: all files in one commit, and what is refused before it begins."""

import huggingface_hub.constants
import pytest
from loopback import status
from upload_hub import TOKEN, UploadHub

from grit.core.errors import GritError
from grit.models.hub import check_upload, upload

# huggingface_hub 2.4 with httpx2, while it uploads a large file
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def uploads(hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub_of_uploads = UploadHub(hub)
    hub_of_uploads.expect("me/mine")
    return hub_of_uploads


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("README.md", "config.json", "model.safetensors", ".hidden"):
        (folder / name).write_text(f"this is {name}")
    return folder


@pytest.mark.parametrize("private", [True, False])
def test_an_upload_has_every_file(uploads, model, private):
    check_upload("me/mine")
    address = upload(model, "me/mine", private=private)
    assert address.startswith(f"{uploads.server.url}/me/mine/commit/")
    assert uploads.private == {"me/mine": private}
    files = uploads.files["me/mine"]
    assert sorted(files) == ["README.md", "config.json", "model.safetensors"]
    assert files["model.safetensors"] == b"this is model.safetensors"


def test_another_model_that_is_there_does_not_stay_beside_it(uploads, model):
    """transformers would load the base and the adapter in the place of these weights."""
    upload(model, "me/mine", private=False)
    for name in ("config.json", "model.safetensors"):
        (model / name).unlink()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (model / name).write_text("an adapter")
    kept = {"notes.md": b"of its owner", "other/model.safetensors": b"another model"}
    uploads.files["me/mine"] |= kept
    upload(model, "me/mine", private=False)
    files = uploads.files["me/mine"]
    adapter = {"README.md", "adapter_config.json", "adapter_model.safetensors"}
    assert set(files) == adapter | set(kept)


@pytest.mark.parametrize("name", ["mine", "a/b/c", "./mine", "me/mine@main"])
def test_a_name_that_is_no_repository(uploads, name):
    with pytest.raises(GritError, match="expected ORG/NAME"):
        check_upload(name)


def test_without_a_token_or_with_a_wrong_one_nothing_is_begun(uploads, monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setenv("HF_TOKEN", "hf_wrong0123456789")
    with pytest.raises(GritError, match="does not take this token") as raised:
        check_upload("me/mine")
    assert "hf_wrong" not in str(raised.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(GritError, match="set HF_TOKEN"):
        check_upload("me/mine")


def test_a_hub_that_fails_leaves_the_folder_and_says_how_to_go_on(uploads, model):
    uploads.server.put("/api/models/me/mine/commit/main", status(403))
    with pytest.raises(GritError, match="is complete: 'hf upload me/mine") as raised:
        upload(model, "me/mine", private=True)
    assert "\n" not in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert (model / "model.safetensors").exists()


@pytest.mark.parametrize(("private", "option"), [(True, " --private"), (False, "")])
def test_the_command_that_tries_again_makes_no_public_repository_of_a_private_one(
    uploads, model, private, option
):
    uploads.server.put("/api/repos/create", status(403))
    folder = model.rename(model.with_name("my model"))
    with pytest.raises(GritError) as raised:
        upload(folder, "me/mine", private=private)
    assert f"hf upload me/mine '{folder}'{option}' tries again" in str(raised.value)
