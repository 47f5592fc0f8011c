"""An exported model: stock transformers in an environment without the suite writes what it does."""

import os
import re
import shutil
import subprocess
import sys
import venv
from ast import literal_eval
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest
import yaml
from finished_runs import write_run
from huggingface_hub import ModelCard
from settings_of import lora
from trained_run import LORA, write_trained_run
from upload_hub import TOKEN

import grit
from grit.config.configuration import composed_config
from grit.config.identity import config_hash, plain
from grit.core.errors import GritError
from grit.core.files import write_json
from grit.grounding.prompts import GRIT_SUFFIX
from grit.inference.exported_card import Card, model_card
from grit.inference.exported_model import Exported, _merge, export
from grit.inference.questions import drawn
from grit.inference.settings import ExportSettings
from grit.inference.sources import source_of
from grit.models.internvl import SYSTEM_MESSAGE
from grit.models.loading import load_base, save_trained
from grit.models.lora import add_lora
from grit.models.prompting import Prompting
from grit.models.setup import make_adapter
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling

QUESTION = "How many red circles are there?"
ASKED = drawn(0, QUESTION)


def exported(run: Path, folder: Path, **settings) -> Exported:
    config = replace(composed_config("task=export", "checkpoint=x"), checkpoint=str(run))
    return export(source_of(config, ["task=export"]), ExportSettings(**settings), folder)


def ours(adapter) -> list[int]:
    prompt = Prompting().encode(ASKED.sample(), adapter)
    greedy = Sampling(temperature=0, max_new_tokens=24)
    ((completion,),) = Sampler(adapter).sample([prompt], [[0]], greedy)
    return list(completion.token_ids)


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that has the installed packages, and neither the suite nor its way.

    Packages are links; files that would lengthen the path, as of an editable install, are left out.
    """
    folder = tmp_path_factory.mktemp("strangers")
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    for place in (Path(each) for each in sys.path if each.endswith("site-packages")):
        for file in place.iterdir():
            link = packages / file.name
            if not (file.suffix == ".pth" or file.name.startswith("grit") or link.exists()):
                link.symlink_to(file)
    python = folder / "bin" / "python"
    ended = subprocess.run([python, "-I", "-c", "import grit"], capture_output=True, text=True)
    assert "ModuleNotFoundError: No module named 'grit'" in ended.stderr
    return python


def theirs(python: Path, folder: Path, tmp_path: Path, **environment: str) -> list[int]:
    """The tokens of the card's own program, by another Python."""
    card = (folder / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)\n```", card, re.DOTALL)
    ASKED.picture.load().save(tmp_path / "photo.png")
    for old, new in {
        "NAME": str(folder),
        "photo.jpg": str(tmp_path / "photo.png"),
        "How many cups are there?": QUESTION,
    }.items():
        assert old in program
        program = program.replace(old, new)
    program += """
for name, weight in model.named_parameters():
    assert "lora_" not in name or str(weight.dtype) == "torch.float32", (name, weight.dtype)"""
    program += '\nprint("TOKENS", ids[0, inputs["input_ids"].shape[1] :].tolist())'
    program += "\nimport transformers; print(transformers.__file__)"
    done = subprocess.run(
        [python, "-I", "-c", program],
        env=os.environ | {"HF_HUB_OFFLINE": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *_, tokens, library = done.stdout.splitlines()
    assert Path(library).is_relative_to(python.parent.parent)
    return yaml.safe_load(tokens.removeprefix("TOKENS "))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    """A run that trained all weights, with results before and after; and its tokens."""
    folder = tmp_path_factory.mktemp("runs") / "full"
    write_run(folder_of(folder))
    said = ours(write_trained_run(folder, "data=shapes"))
    return folder, said


def card_of(found) -> str:
    return (found.folder / "README.md").read_text(encoding="utf-8")


def folder_of(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@pytest.mark.slow
def test_all_weights(run, strangers, tmp_path):
    folder, said = run
    found = exported(folder, tmp_path / "out")
    assert (found.is_adapter, found.note) == (False, "")
    assert "in pixels of the image as the processor resizes it" in card_of(found)
    assert theirs(strangers, found.folder, tmp_path) == said


@pytest.mark.slow
def test_an_adapter_of_a_base_that_is_nowhere_else_is_merged(strangers, tmp_path):
    adapter = write_trained_run(tmp_path / "run", *LORA, "model=tiny_internvl", shake=0.2)
    found = exported(tmp_path / "run", tmp_path / "out")
    assert not found.is_adapter
    assert found.note == "tiny:internvl is no model of the Hub"
    assert not (found.folder / "adapter_config.json").exists()
    assert "from 0 to 1000 across and down the image" in card_of(found)
    assert theirs(strangers, found.folder, tmp_path) == ours(adapter)


@pytest.mark.slow
def test_an_adapter_stays_in_fp32_on_a_base_in_bf16(hub, strangers, tmp_path):
    """As all large models are by default; transformers alone would round it to its base's type."""
    save_trained(make_adapter(composed_config().model, learning=False), tmp_path / "base")
    hub.put_model("me/base", tmp_path / "base")
    in_bf16 = "model.path=me/base", "model.dtype=bfloat16"
    adapter = write_trained_run(tmp_path / "run", *LORA, *in_bf16, shake=0.2)
    found = exported(tmp_path / "run", tmp_path / "out")
    cache = huggingface_hub.constants.HF_HUB_CACHE
    assert theirs(strangers, found.folder, tmp_path, HF_HUB_CACHE=cache) == ours(adapter)


@pytest.mark.slow
def test_an_adapter_stays_one_where_its_base_is_on_the_hub(hub, strangers, tmp_path):
    base = tmp_path / "base"
    save_trained(make_adapter(composed_config().model, learning=False), base)
    hub.put_model("me/base", base)
    adapter = write_trained_run(tmp_path / "run", *LORA, "model.path=me/base", shake=0.2)
    said = ours(adapter)
    found = exported(tmp_path / "run", tmp_path / "out")
    assert found.is_adapter
    settings = (found.folder / "adapter_config.json").read_text()
    assert '"base_model_name_or_path": "me/base"' in settings
    assert str(tmp_path) not in settings
    assert not list(found.folder.glob("model*.safetensors"))
    cache = huggingface_hub.constants.HF_HUB_CACHE  # has the base, as after a download
    assert theirs(strangers, found.folder, tmp_path, HF_HUB_CACHE=cache) == said
    merged = exported(tmp_path / "run", tmp_path / "merged", weights="merged")
    assert (merged.is_adapter, merged.note) == (False, "")
    assert theirs(strangers, merged.folder, tmp_path) == said


def test_the_card_says_what_it_was_trained_on_and_what_it_can_do(run, tmp_path):
    folder, _ = run
    found = exported(folder, tmp_path / "out")
    text = (found.folder / "README.md").read_text(encoding="utf-8")
    head = ModelCard(text).data
    assert (head.license, head.library_name) == ("mit", "transformers")
    assert head.pipeline_tag == "image-text-to-text"
    by_metric = {(e.dataset_type, e.metric_type): e for e in head.eval_results}
    acc = by_metric["vsr", "acc"]
    assert acc.metric_value == pytest.approx(100 * 5 / 6, abs=0.01)
    assert acc.metric_args["low"] < acc.metric_value <= acc.metric_args["high"]
    assert "`python -m grit data=shapes`" in text
    assert "no annotated box was seen" in text
    assert re.search(r"\| vsr ACC \| 6 \| 0\.0 \[.*\] \| 83\.3 \[.*\] \| \+83\.3 \[.*\] \|", text)
    assert "## What is built in" in text
    assert repr(GRIT_SUFFIX) in text
    assert str(tmp_path) not in text
    assert str(folder.parent) not in text


def test_the_card_of_an_adapter_says_by_which_image_sizes_vllm_serves_it(run):
    config = replace(composed_config("task=export", "checkpoint=x"), checkpoint=str(run[0]))
    source = source_of(config, [])
    sized = replace(source.config.model, image={"min_pixels": 3136, "max_pixels": 200704})
    source = replace(source, config=replace(source.config, model=sized))
    option = '--mm-processor-kwargs \'{"min_pixels": 3136, "max_pixels": 200704}\''
    option = f"`--generation-config vllm {option}`"
    for is_adapter in (True, False):  # a whole model brings its processor
        card = Card.of(source, ExportSettings(), None, is_adapter=is_adapter, space="resized")
        assert (option in model_card(card)) == is_adapter


@pytest.mark.parametrize(
    ("model", "frozen", "said"),
    [
        ("tiny_qwen", "true", "`--generation-config vllm`"),
        ("tiny_qwen", "false", "`--generation-config vllm --enable-tower-connector-lora`"),
        ("tiny_internvl", "true", "`--generation-config vllm`"),
        ("tiny_internvl", "false", "export.weights=merged"),  # vLLM leaves that tower's LoRA out
    ],
)
def test_the_card_of_an_adapter_says_how_vllm_serves_lora_in_the_vision_tower(
    hub, tmp_path, model, frozen, said
):
    choice = f"model={model}"
    save_trained(make_adapter(composed_config(choice).model, learning=False), tmp_path / "base")
    hub.put_model("me/base", tmp_path / "base")
    modules = "model.lora.target_modules=[q_proj,v_proj,qkv]"  # qkv: of Qwen's tower
    run = (choice, *LORA, modules, "model.path=me/base", f"model.freeze_vision={frozen}")
    write_trained_run(tmp_path / "run", *run)
    found = exported(tmp_path / "run", tmp_path / "out")
    assert found.is_adapter
    assert said in (found.folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings")
def test_an_adapter_on_a_tied_head_is_not_merged():
    adapter = load_base("tiny:qwen-random", seed=0)
    add_lora(adapter, lora(4, 8, ["q_proj", "lm_head"]), with_vision=False)
    with pytest.raises(GritError, match=r"export: LoRA on lm_head, .* cannot be merged"):
        _merge(adapter, "float32")


@pytest.mark.slow
def test_the_card_asks_by_the_prompt_of_the_training(strangers, tmp_path):
    released = "model=tiny_internvl", "model.prompt=released"
    adapter = write_trained_run(tmp_path / "run", *released)
    found = exported(tmp_path / "run", tmp_path / "out")
    assert repr(f"<|im_start|>system\n{SYSTEM_MESSAGE}<|im_end|>")[1:-1] in card_of(found)
    assert "apply_chat_template" not in card_of(found)
    said = ours(adapter)
    assert theirs(strangers, found.folder, tmp_path) == said
    words = re.findall(r"`grit\.load\((.*?)\)\.ask", card_of(found))[0]
    name = literal_eval(f"[{words.replace('NAME', repr(str(found.folder)))}]")
    short = "trainer.accelerator=cpu", "evaluation.max_new_tokens=24"
    answer = grit.load(*name, *short).ask(ASKED.picture.load(), QUESTION)
    assert answer.completion == adapter.decode(said)


def write_evaluation(folder: Path, checkpoint: Path) -> Path:
    """The folder of ``task=evaluate checkpoint=...``, which names other data than the training."""
    folder.mkdir()
    config = composed_config("task=evaluate", f"checkpoint={checkpoint}", "seed=5")
    (folder / "config.yaml").write_text(yaml.safe_dump(plain(config)))
    record = {"started": "2026-11-29T10:00:00+00:00", "command": "python -m grit task=evaluate"}
    write_json(folder / "run.json", record | {"config_hash": config_hash(config)})
    return folder


def test_the_card_of_an_evaluation_tells_the_training_of_its_weights_or_none(run, tmp_path):
    alone = tmp_path / "somebodys"
    shutil.copytree(run[0] / "model", alone)
    text = card_of(exported(write_evaluation(tmp_path / "of_alone", alone), tmp_path / "a"))
    assert "\n# somebodys\n" in text
    assert "## Training" not in text
    assert "trained with" not in text
    assert not {"grit", "grpo"} & set(ModelCard(text).data.tags)
    text = card_of(exported(write_evaluation(tmp_path / "of_run", run[0]), tmp_path / "b"))
    assert "\n# tiny_qwen, trained with GRIT on shapes\n" in text
    assert "command: `python -m grit data=shapes`" in text
    assert "seed 0" in text


def test_the_card_names_the_method(run, tmp_path):
    text = card_of(exported(run[0], tmp_path / "out"))
    assert {"grit", "grpo"} <= set(ModelCard(text).data.tags)
    taught = tmp_path / "taught"
    shutil.copytree(run[0] / "model", taught / "model")
    (taught / "run.json").write_bytes((run[0] / "run.json").read_bytes())
    config = composed_config("method=sft", "evaluation.max_new_tokens=24")
    (taught / "config.yaml").write_text(yaml.safe_dump(plain(config)))
    text = card_of(exported(taught, tmp_path / "sft"))
    assert "\n# tiny_qwen, trained with sft on shapes\n" in text
    assert "grpo" not in ModelCard(text).data.tags


def test_the_card_of_what_is_no_run_tells_no_training(run, tmp_path):
    alone = tmp_path / "somebodys"
    shutil.copytree(run[0] / "model", alone)
    base = "model=tiny_qwen"
    config = replace(composed_config("task=export", "checkpoint=x", base), checkpoint=str(alone))
    text = card_of(export(source_of(config, [base]), ExportSettings(), tmp_path / "out"))
    assert "\n# somebodys\n" in text
    assert "## Training" not in text
    assert "trained with GRIT on" not in text
    assert "data: `" not in text
    assert not {"grit", "grpo"} & set(ModelCard(text).data.tags)
    assert str(tmp_path) not in text


def test_results_are_those_of_the_exported_weights_alone(run, tmp_path):
    folder, _ = run
    best = folder / "model" / "best"
    best.mkdir()
    for file in (folder / "model").glob("*.*"):
        (best / file.name).write_bytes(file.read_bytes())
    try:
        text = (exported(best, tmp_path / "out").folder / "README.md").read_text()
    finally:
        for file in best.iterdir():
            file.unlink()
        best.rmdir()
    assert ModelCard(text).data.eval_results is None
    assert "## Results" not in text
    assert "`python -m grit data=shapes`" in text


def test_keys_and_places_stay_out_of_a_card(run, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    config = replace(composed_config("task=export", "checkpoint=x"), checkpoint=str(run[0]))
    card = Card.of(source_of(config, []), ExportSettings(), None, is_adapter=False, space="resized")
    record = {"command": f"python -m grit data.root=/home/someone/data/mine x={TOKEN}"}
    text = model_card(replace(card, record=record))
    assert "data.root=.../data/mine" in text
    assert TOKEN not in text
    assert "/home/someone" not in text


def test_the_licence_is_the_bases(hub, run, tmp_path):
    card = {"license": "other", "license_name": "some-licence", "license_link": "LICENSE"}
    hub.put_model("me/base", run[0] / "model", card=card)
    text = (exported(run[0], tmp_path / "a", base="me/base").folder / "README.md").read_text()
    assert ModelCard(text).data.license == "mit"  # the miniature's, whatever it is called
    config = replace(composed_config("task=export", "checkpoint=x"), checkpoint=str(run[0]))
    source = source_of(config, [])
    hubs = replace(source.config, model=replace(source.config.model, path="me/base"))
    head = ModelCard(
        model_card(
            Card.of(
                replace(source, config=hubs),
                ExportSettings(),
                "me/base",
                is_adapter=False,
                space="resized",
            )
        )
    ).data
    assert (head.license, head.license_name) == ("other", "some-licence")
    assert (head.base_model, head.base_model_relation) == ("me/base", "finetune")
    said = Card.of(
        source, ExportSettings(licence="apache-2.0"), None, is_adapter=False, space="resized"
    )
    assert ModelCard(model_card(said)).data.license == "apache-2.0"
    unknown = Card.of(
        replace(source, config=hubs), ExportSettings(), None, is_adapter=False, space="resized"
    )
    assert ModelCard(model_card(unknown)).data.license == "unknown"


def test_nothing_is_written_over(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(GritError, match="the folder has files"):
        exported(run[0], tmp_path / "out")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(GritError, match="expected a folder"):
        exported(run[0], tmp_path / "file")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "out"]


def test_a_run_without_training_has_nothing_to_give(tmp_path):
    write_trained_run(tmp_path / "run", "method=direct")
    with pytest.raises(GritError, match="has trained nothing"):
        exported(tmp_path / "run", tmp_path / "out")


def test_results_are_of_the_model_by_whatever_path_it_is_named(run, monkeypatch):
    folder = Path(run[0])
    monkeypatch.chdir(folder.parent)
    for name in (folder, folder / "model", Path(folder.name), Path(folder.name) / "model"):
        config = replace(composed_config("task=export", "checkpoint=x"), checkpoint=str(name))
        assert source_of(config, []).is_evaluated, name
