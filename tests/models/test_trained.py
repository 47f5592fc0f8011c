"""``checkpoint=``: trained weights, asked through the processor of the base they came from."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from replicas import linked, rewritten
from replicas.internvl_chat import write_internvl_chat
from safetensors.torch import load_file, save_file
from settings_of import lora

from grit.core.errors import GritError
from grit.models.internvl_layout import converted_weights
from grit.models.loading import find_checkpoint, load_base, load_trained, save_trained
from grit.models.lora import add_lora
from grit.models.setup import load_skeleton

WEIGHTS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
INDEX = "model.safetensors.index.json"
LORA = lora(2, 4, ["q_proj"])


def weights_in(folder: Path) -> dict[str, torch.Tensor]:
    return {name: w for file in folder.glob("*.safetensors") for name, w in load_file(file).items()}


def only_weights(folder: Path, place: Path) -> Path:
    """What is left of a folder where a trainer saved the model alone."""
    kept = ("config.json", INDEX, "model.safetensors", *WEIGHTS)
    return linked(folder, place, without=[f.name for f in folder.iterdir() if f.name not in kept])


def without_weights(folder: Path, place: Path) -> Path:
    return linked(folder, place, without=(*WEIGHTS, INDEX, "model.safetensors"))


@pytest.fixture
def picture():
    return Image.new("RGB", (320, 240), (90, 120, 40))


@pytest.mark.parametrize("family", ["qwen", "internvl"])
def test_a_released_model_is_asked_as_its_base(replica, tmp_path, picture, family):
    """Weights alone are enough, and those of the base need not be there."""
    base = without_weights(replica(family), tmp_path / "base")
    released = only_weights(replica(f"{family}_released"), tmp_path / "released")
    adapter = load_base(str(base), trained=released)
    stored = weights_in(released)
    expected = converted_weights(stored) if family == "internvl" else stored
    found = adapter.model.state_dict()
    if family == "internvl":
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], w.float()) for name, w in expected.items())
    else:
        embedding = expected["model.embed_tokens.weight"].float()
        assert torch.equal(found["model.language_model.embed_tokens.weight"], embedding)
        assert torch.equal(found["lm_head.weight"], embedding)
    untrained = load_base(str(replica(family)))
    one, other = (a.encode("p", "\nHow?", picture, picture="p") for a in (adapter, untrained))
    assert torch.equal(one.input_ids, other.input_ids)
    assert adapter.end_ids == untrained.end_ids == {151643, 151645}
    assert torch.equal(adapter.forbidden_ids, untrained.forbidden_ids)
    assert not torch.equal(
        adapter.plain.lm_head.weight, untrained.plain.lm_head.weight
    )  # the released replicas have other weights


def test_a_base_in_internvls_own_layout_takes_either(replica, picture):
    """OpenGVLab/InternVL3-2B itself, and a model fine-tuned in transformers beside it."""
    own, copy = replica("internvl_released"), replica("internvl")
    adapter = load_base(str(own), trained=copy)
    expected = load_base(str(copy)).model.state_dict()
    found = adapter.model.state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())


def test_trained_weights_go_into_a_model_that_is_there(replica):
    adapter = load_base(str(replica("internvl")))
    load_trained(adapter, replica("internvl_released"))
    expected = converted_weights(weights_in(replica("internvl_released")))
    found = adapter.model.state_dict()
    assert all(torch.equal(found[name], w.float()) for name, w in expected.items())


@pytest.mark.parametrize("name", ["qwen_released", "internvl_released"])
def test_what_is_known_without_the_weights(replica, tmp_path, picture, name):
    """``task=check`` and the preflight of a run see of a folder what the run itself does."""
    skeleton = load_skeleton(str(without_weights(replica(name), tmp_path / "bare")))
    loaded = load_base(str(replica(name)))
    shapes = [
        {key: weight.shape for key, weight in adapter.model.state_dict().items()}
        for adapter in (skeleton, loaded)
    ]
    assert shapes[0] == shapes[1]
    assert skeleton.end_ids == loaded.end_ids
    assert torch.equal(skeleton.forbidden_ids, loaded.forbidden_ids)
    one, other = (a.encode("p", "\nHow?", picture, picture="p") for a in (skeleton, loaded))
    assert torch.equal(one.input_ids, other.input_ids)


def refusal(base: Path, trained: Path) -> str:
    with pytest.raises(GritError) as raised:
        load_base(str(base), trained=trained)
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


def test_another_family(replica):
    message = refusal(replica("qwen"), replica("internvl_released"))
    assert "is of the family internvl, and model.path of qwen2_5_vl" in message


@pytest.mark.parametrize(("rows", "fits"), [(151600, False), (151674, True), (151700, False)])
def test_rows_and_the_tokenizer(replica, tmp_path, rows, fits):
    trained = write_internvl_chat(tmp_path / "trained", processor_files=False, rows=rows)
    if fits:
        load_base(str(replica("internvl")), trained=trained)
        return
    message = refusal(replica("internvl"), trained)
    assert f"has {rows} tokens" in message
    assert "has 151674, 151674 of them in use" in message


def test_end_tokens_are_those_of_the_folder_in_internvl_s_own_layout_too(tmp_path):
    folder = write_internvl_chat(tmp_path / "chat")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [5, 6]}))
    ends = load_base(str(folder)).end_ids
    assert {5, 6} < ends
    assert load_skeleton(str(folder)).end_ids == ends  # what task=check shows
    assert load_base(str(folder), trained=folder).end_ids == ends  # what an evaluation uses


def test_rows_that_only_pad_may_be_missing(replica, tmp_path):
    """Qwen2.5-VL's head has 151,936 rows for 151,665 tokens."""
    place = linked(replica("qwen"), tmp_path / "cut", without=(*WEIGHTS, INDEX))
    weights = weights_in(replica("qwen"))
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:151665].clone()
    save_file(weights, place / "model.safetensors")
    rewritten(place / "config.json", vocab_size=151665)
    adapter = load_base(str(replica("qwen")), trained=place)
    assert int(adapter.forbidden_ids.max()) < 151665


def test_another_token_for_images(replica, tmp_path):
    place = linked(replica("qwen"), tmp_path / "other")
    rewritten(place / "config.json", image_token_id=151656)
    assert "images are the token 151656" in refusal(replica("qwen"), place)


@pytest.mark.parametrize("lost", ["model.norm.weight", "visual.blocks.1.attn.qkv.bias"])
def test_a_weight_that_is_missing_is_named(replica, tmp_path, lost):
    place = linked(replica("qwen"), tmp_path / "lost", without=(*WEIGHTS, INDEX))
    weights = weights_in(replica("qwen"))
    del weights[lost]
    save_file(weights, place / "model.safetensors")
    message = refusal(replica("qwen"), place)
    assert "lacks the weight" in message
    assert lost.split(".", 1)[1] in message


def test_a_weight_too_many_is_named(replica, tmp_path):
    place = linked(replica("qwen"), tmp_path / "more", without=(*WEIGHTS, INDEX))
    weights = weights_in(replica("qwen")) | {"visual.blocks.7.norm1.weight": torch.zeros(2)}
    save_file(weights, place / "model.safetensors")
    message = refusal(replica("qwen"), place)
    assert "has besides its own the weight" in message
    assert "blocks.7.norm1.weight" in message


def test_half_of_the_files(replica, tmp_path):
    place = linked(replica("qwen"), tmp_path / "half", without=WEIGHTS[1:])
    assert f"{place}: the model cannot be loaded" in refusal(replica("qwen"), place)


def test_an_adapter_of_which_no_name_fits_is_refused(tmp_path):
    """Else the base would answer, under the adapter's name."""
    trained = load_base("tiny:internvl")
    add_lora(trained, LORA, with_vision=False)
    save_trained(trained, tmp_path / "adapter")
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    renamed = {
        name.replace(".layers.", ".blocks."): weight for name, weight in load_file(file).items()
    }
    save_file(renamed, file)
    with pytest.raises(GritError, match="Found missing adapter keys") as raised:
        load_trained(load_base("tiny:internvl"), tmp_path / "adapter")
    assert len(str(raised.value)) < 400


def test_checkpoints_of_a_run(tmp_path):
    run = tmp_path / "run"
    save_trained(load_base("tiny:qwen-random"), run / "model")
    found = find_checkpoint(str(run))
    assert (found.path, found.commit, found.is_full_model) == (run / "model", None, True)
    shutil.rmtree(run / "model")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "step-1.ckpt").touch()
    assert not find_checkpoint(str(run)).is_full_model
