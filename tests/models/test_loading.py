import json
import shutil

import pytest
import torch
import yaml
from PIL import Image
from settings_of import lora

from grit.config.configuration import CONF
from grit.core.errors import GritError
from grit.models.hub import model_folder
from grit.models.loading import freeze_vision, load_base, load_trained, save_trained
from grit.models.lora import add_lora
from grit.models.tiny_families import FAMILIES

LORA = lora(4, 8, ["q_proj", "up_proj"])


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def base(family):
    return load_base(f"tiny:{family}", seed=1)


def weights(adapter):
    return {name: p.detach().clone() for name, p in adapter.model.named_parameters()}


def disturbed(adapter):
    with torch.no_grad():
        for parameter in adapter.model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.01)
    return adapter


def test_a_saved_folder_loads_the_same_way(base, tmp_path):
    save_trained(base, tmp_path)
    again = load_base(str(tmp_path))
    assert type(again) is type(base)
    for name, value in weights(base).items():
        assert torch.equal(value, weights(again)[name]), name


def test_lora_is_fp32_on_a_bf16_base_and_leaves_vision_alone(family):
    adapter = load_base(f"tiny:{family}", seed=1, dtype=torch.bfloat16)
    add_lora(adapter, LORA, with_vision=False)
    learning = {n: p for n, p in adapter.model.named_parameters() if p.requires_grad}
    assert learning
    assert all("lora_" in name and "language_model" in name for name in learning)
    assert {p.dtype for p in learning.values()} == {torch.float32}
    assert adapter.plain.lm_head.weight.dtype == torch.bfloat16


def test_a_misspelt_layer_among_others_is_named(caplog):
    """peft takes the other names without a word."""
    misspelt = lora(4, 8, ["q_proj", "k_prj"])
    add_lora(load_base("tiny:qwen-random", seed=1), misspelt, with_vision=False)
    assert [each.getMessage() for each in caplog.records] == [
        "model.lora.target_modules: no layer is called k_prj"
    ]


def test_layers_of_other_families_in_auto_s_list_are_no_mistake(family, caplog):
    named = yaml.safe_load((CONF / "model" / "auto.yaml").read_text())["lora"]["target_modules"]
    add_lora(load_base(f"tiny:{family}", seed=1), lora(4, 8, named), with_vision=False)
    assert caplog.records == []


def test_lora_that_reaches_no_layer_of_the_tower_is_refused():
    """Qwen3-VL's tower names its layers otherwise than its language model."""
    adapter = load_base("tiny:qwen3-random", seed=1)
    with pytest.raises(GritError, match=r"its layers are linear_fc1, linear_fc2, proj, qkv"):
        add_lora(adapter, LORA, with_vision=True)


def test_a_trained_adapter_folder_is_found_in_a_runs_folder(family, tmp_path):
    trained = load_base(f"tiny:{family}", seed=1)
    add_lora(trained, LORA, with_vision=False)
    disturbed(trained)
    save_trained(trained, tmp_path / "model")
    again = load_base(f"tiny:{family}", seed=1)
    load_trained(again, tmp_path)
    for name, value in weights(trained).items():
        torch.testing.assert_close(value, weights(again)[name], msg=name)


def test_a_fully_trained_folder_is_loaded_into_the_base(family, tmp_path):
    trained = disturbed(load_base(f"tiny:{family}", seed=1))
    save_trained(trained, tmp_path / "model")
    again = load_base(f"tiny:{family}", seed=1)
    load_trained(again, tmp_path)
    for name, value in weights(trained).items():
        torch.testing.assert_close(value, weights(again)[name], msg=name)


def test_frozen_vision_does_not_learn(base):
    adapter = load_base("tiny:qwen-random")
    freeze_vision(adapter)
    learning = [n for n, p in adapter.model.named_parameters() if p.requires_grad]
    assert learning
    assert not any("visual" in name for name in learning)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tiny:llama", "tiny:qwen"),
        ("./nowhere", "no such folder"),
        ("nowhere", "no such folder"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(path, message):
    with pytest.raises(GritError, match=message) as error:
        load_base(path)
    assert "\n" not in str(error.value)


def test_an_unreachable_hub_is_said_in_one_line(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(GritError, match="hf download some/model"):
        model_folder("some/model")


def test_a_family_without_adapter_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(GritError, match="its family is llama"):
        load_base(str(tmp_path))


def test_a_damaged_folder_is_said_in_one_line(base, tmp_path):
    save_trained(base, tmp_path)
    shutil.copy(tmp_path / "config.json", tmp_path / "model.safetensors")
    with pytest.raises(GritError, match="cannot be loaded"):
        load_base(str(tmp_path))


def test_a_missing_checkpoint_says_what_was_expected(base, tmp_path):
    with pytest.raises(GritError, match="expected a \\.ckpt file"):
        load_trained(base, tmp_path)


class Foreign:
    """What torch does not load without being told to trust it."""


@pytest.mark.parametrize("content", [{"state_dict": {}, "other": Foreign()}, [1, 2], {"a": 1}])
def test_a_foreign_checkpoint_is_said_in_one_line(base, tmp_path, content):
    path = tmp_path / "foreign.ckpt"
    torch.save(content, path)
    with pytest.raises(GritError, match="does not fit this model") as raised:
        load_trained(base, path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("stored", ["processor_config.json", "preprocessor_config.json"])
def test_pixel_bounds_reach_the_image_processor(tmp_path, stored):
    """Also past those that a folder of the Hub has stored in a file of their own."""
    save_trained(load_base("tiny:qwen-random"), tmp_path)
    if stored == "preprocessor_config.json":
        whole = tmp_path / "processor_config.json"
        own = json.loads(whole.read_text())["image_processor"]
        whole.unlink()
        del own["size"]
        own |= {"min_pixels": 3136, "max_pixels": 12845056}
        own |= {"processor_class": "Qwen2_5_VLProcessor"}
        (tmp_path / stored).write_text(json.dumps(own))
    bounds = {"min_pixels": 64 * 64, "max_pixels": 80 * 80}
    adapter = load_base(str(tmp_path), image=bounds)
    prompt = adapter.encode("p", "", Image.new("RGB", (640, 640)), picture="p")
    assert (prompt.space.width, prompt.space.height) == (80, 80)
    prompt = adapter.encode("p", "", Image.new("RGB", (32, 32)), picture="p")
    assert (prompt.space.width, prompt.space.height) == (64, 64)


def test_the_frequencies_of_rope_stay_exact_in_bf16(family, tmp_path):
    """As in folders, which ``from_pretrained`` loads."""
    tiny = load_base(f"tiny:{family}", seed=1, dtype=torch.bfloat16)
    save_trained(tiny, tmp_path)
    stored = load_base(str(tmp_path), dtype=torch.bfloat16)
    kept = dict(stored.plain.named_buffers())
    for name, found in tiny.plain.named_buffers():
        torch.testing.assert_close(found, kept[name], atol=0, rtol=0)
