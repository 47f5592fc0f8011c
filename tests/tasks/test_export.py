"""``task=export`` as a command: the folder, the upload, and what is refused."""

import huggingface_hub.constants
import pytest
from huggingface_hub import ModelCard
from trained_run import write_trained_run
from upload_hub import TOKEN, UploadHub

# huggingface_hub 2.4 with httpx2, while it uploads a large file
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
WHERE = "hydra.run.dir=out"


def test_a_run_is_written_and_uploaded(command, tmp_path, hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    uploads = UploadHub(hub)
    uploads.expect("me/mine")
    write_trained_run(tmp_path / "run")
    done = command("task=export", "checkpoint=run", "push=me/mine", WHERE)
    assert (done.code, done.err) == (0, "")
    folder = tmp_path / "out" / "model"
    assert "whole model: " in done.out
    assert "/me/mine/commit/" in done.out
    sent = uploads.files["me/mine"]
    assert {name: len(body) for name, body in sent.items()} == {
        file.name: file.stat().st_size for file in folder.iterdir()
    }
    assert ModelCard(sent["README.md"].decode()).data.library_name == "transformers"
    assert TOKEN not in (tmp_path / "out" / "grit.log").read_text()
    again = command("task=export", "checkpoint=run", WHERE)
    assert again.code == 1
    assert "the folder has files" in again.err


def test_what_is_refused_before_a_model_is_loaded(command, tmp_path, hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    for overrides, said in (
        (["task=export"], "task=export needs checkpoint=RUN"),
        (["task=export", "checkpoint=nowhere"], "checkpoint=nowhere: expected"),
        (["task=export", "checkpoint=nowhere", "push=mine"], "push=mine: expected ORG/NAME"),
        (["task=export", "checkpoint=nowhere", "push=me/mine"], "set HF_TOKEN"),
        (["push=me/mine"], "push is for task=export, and this is task=train"),
        (["task=export", "checkpoint=x", "export.weights=all"], "export.weights"),
    ):
        done = command(*overrides, WHERE)
        assert (done.code, len(done.err.splitlines())) == (1, 1)
        assert said in done.err
