"""Code that lies in a model folder is never run, whatever a file says and whoever is asked."""

import ast
from pathlib import Path

import pytest
from desk import Desk, Done, refused
from replicas import linked, rewritten
from replicas.internvl_chat import MARK, write_internvl_chat
from settings_of import lora
from warmed import server

from grit.core.errors import GritError
from grit.models.loading import load_base, load_trained, save_trained
from grit.models.lora import add_lora
from grit.models.setup import load_skeleton

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parents[2] / "src" / "grit"
CODE = "from pathlib import Path\nPath({mark!r}).touch()\nclass Thing:\n    pass\n"


def with_code(folder: Path, file: str, kind: str, **fields) -> Path:
    """Let a file of the folder name code for ``kind``, which leaves a mark where it runs."""
    rewritten(folder / file, auto_map={kind: "own.Thing"}, **fields)
    (folder / "own.py").write_text(CODE.format(mark=str(folder / MARK)))
    return folder


def asked(desk: Desk, program: str, *arguments: str) -> Done:
    """Run Python with a user at its terminal who says yes to everything."""
    script = desk.folder / "program.py"
    script.write_text(program, encoding="utf-8")
    order = [str(script), *arguments]
    return server().start(order, desk.folder, desk.environment, stdin="yes\n" * 20).done()


GRIT = "import sys; from grit.__main__ import main; main()"
EVALUATE = ("task=evaluate", "suite=shapes", "suite.limit=1", "logger.mode=disabled")
NEEDS_IT = {
    "configuration": ("config.json", "AutoConfig", {"model_type": "flamingo"}),
    "image processor": (
        "preprocessor_config.json",
        "AutoImageProcessor",
        {"image_processor_type": "OwnImageProcessor"},
    ),
    "processor": (
        "preprocessor_config.json",
        "AutoProcessor",
        {"processor_class": "OwnProcessor", "image_processor_type": "OwnImageProcessor"},
    ),
}


@pytest.mark.parametrize("kind", NEEDS_IT)
def test_a_folder_that_needs_code_ends_in_one_line(replica, desk, tmp_path, kind):
    file, auto, fields = NEEDS_IT[kind]
    folder = with_code(linked(replica("qwen"), tmp_path / "own"), file, auto, **fields)
    done = asked(desk, GRIT, *EVALUATE, "model=qwen2_5_vl_3b", f"model.path={folder}")
    line = refused(done)
    assert "trust_remote_code" not in line
    assert "[y/N]" not in done.stdout
    assert str(folder) in line
    assert not (folder / MARK).exists()


KNOWN = {  # code is there and transformers can do without it
    "tokenizer": ("tokenizer_config.json", "AutoTokenizer", {"tokenizer_class": "OwnTokenizer"}),
    "model": ("config.json", "AutoModelForImageTextToText", {}),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_code_that_nobody_needs_is_not_run_either(replica, desk, tmp_path, kind):
    file, auto, fields = KNOWN[kind]
    folder = with_code(linked(replica("qwen"), tmp_path / "own"), file, auto, **fields)
    program = "import sys; from grit.models.loading import load_base; load_base(sys.argv[1])"
    done = asked(desk, program, str(folder))
    assert (done.returncode, done.stdout) == (0, "")
    assert not (folder / MARK).exists()


def test_the_code_of_internvls_own_layout_is_not_run(desk, tmp_path):
    folder = write_internvl_chat(tmp_path / "chat")
    program = "import sys; from grit.models.loading import load_base; load_base(sys.argv[1])"
    done = asked(desk, program, str(folder))
    assert (done.returncode, done.stdout) == (0, "")
    assert not (folder / MARK).exists()
    trusting = (
        "import sys; from transformers import AutoConfig; "
        "AutoConfig.from_pretrained(sys.argv[1], trust_remote_code=True)"
    )
    asked(desk, trusting, str(folder))
    assert (folder / MARK).exists()  # so the folder would have told


def test_a_checkpoint_of_another_family_with_code_is_not_run(replica, desk, tmp_path):
    place = linked(replica("qwen_released"), tmp_path / "own")
    folder = with_code(place, "config.json", "AutoModel", model_type="flamingo")
    done = asked(
        desk,
        GRIT,
        *EVALUATE,
        "model=qwen2_5_vl_3b",
        f"model.path={replica('qwen')}",
        f"checkpoint={folder}",
    )
    assert "flamingo" in refused(done)
    assert not (folder / MARK).exists()


def test_the_mark_is_left_where_somebody_trusts(replica, desk, tmp_path):
    """Without it, the tests above would say nothing."""
    folder = with_code(
        linked(replica("qwen"), tmp_path / "own"),
        "config.json",
        "AutoConfig",
        model_type="flamingo",
    )
    program = (
        "import sys; from transformers import AutoConfig; "
        "AutoConfig.from_pretrained(sys.argv[1], trust_remote_code=True)"
    )
    asked(desk, program, str(folder))
    assert (folder / MARK).exists()


EVERY_FILE = {
    "config.json": {
        "AutoConfig": "own.Thing",
        "AutoModel": "own.Thing",
        "AutoModelForImageTextToText": "own.Thing",
        "AutoModelForCausalLM": "own.Thing",
    },
    "preprocessor_config.json": {
        "AutoProcessor": "own.Thing",
        "AutoImageProcessor": "own.Thing",
        "AutoVideoProcessor": "own.Thing",
    },
    "tokenizer_config.json": {"AutoTokenizer": ["own.Thing", "own.Thing"]},
    "generation_config.json": {"AutoConfig": "own.Thing"},
    "processor_config.json": {"AutoProcessor": "own.Thing"},
}
UNKNOWN = {  # fields that make transformers look for code, where it is named
    "config.json": {"model_type": "flamingo"},
    "preprocessor_config.json": {
        "processor_class": "OwnProcessor",
        "image_processor_type": "OwnImageProcessor",
    },
    "tokenizer_config.json": {"tokenizer_class": "OwnTokenizer"},
    "processor_config.json": {"processor_class": "OwnProcessor"},
}
ENTRIES = {
    "the run's model": lambda folder, base: load_base(str(folder)),
    "its skeleton": lambda folder, base: load_skeleton(str(folder)),
    "a checkpoint of the whole model": lambda folder, base: load_base(str(base), trained=folder),
    "weights put into a model": lambda folder, base: load_trained(load_base(str(base)), folder),
}


@pytest.mark.parametrize("unknown", [False, True], ids=["known classes", "unknown classes"])
@pytest.mark.parametrize("file", EVERY_FILE)
@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("name", ["qwen", "internvl_released"])
def test_whoever_says_yes_runs_nothing(replica, tmp_path, monkeypatch, name, entry, file, unknown):
    """Every file that may name code, through every way in, with a user who says yes."""
    asked_for = []
    monkeypatch.setattr("builtins.input", lambda prompt="": asked_for.append(prompt) or "yes")
    folder = linked(replica(name), tmp_path / "own", without=["own.py"])
    (folder / MARK).unlink(missing_ok=True)
    if not (folder / file).exists():
        (folder / file).write_text("{}")
    rewritten(
        folder / file, auto_map=EVERY_FILE[file], **(UNKNOWN.get(file, {}) if unknown else {})
    )
    (folder / "own.py").write_text(CODE.format(mark=str(folder / MARK)))
    refusal = str(folder)
    try:
        ENTRIES[entry](folder, replica(name))
    except GritError as error:  # it may be refused, in a line; never run
        refusal = str(error)
    assert str(folder) in refusal
    assert "\n" not in refusal
    assert asked_for == []
    assert not (folder / MARK).exists()


def test_an_adapters_folder_runs_nothing(replica, tmp_path, monkeypatch):
    """PEFT reads a configuration too, and may be told of a base model with code."""
    monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail(f"asks: {prompt}"))
    trained = load_base("tiny:qwen", seed=0)
    add_lora(trained, lora(2, 4, ["q_proj"]), with_vision=False)
    save_trained(trained, tmp_path / "adapter")
    folder = tmp_path / "adapter"
    rewritten(
        folder / "adapter_config.json",
        auto_mapping={"base_model_class": "Thing", "parent_library": "own"},
        base_model_name_or_path=str(folder),
    )
    (folder / "own.py").write_text(CODE.format(mark=str(folder / MARK)))
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    load_trained(load_base("tiny:qwen", seed=0), folder)
    assert not (folder / MARK).exists()


def calls(source: str) -> list[tuple[str, int, bool]]:
    """Each call of from_pretrained: of what, in which line, and whether it refuses code."""
    return [
        (
            ast.unparse(node.func.value),
            node.lineno,
            any(
                word.arg == "trust_remote_code"
                and isinstance(word.value, ast.Constant)
                and word.value.value is False
                for word in node.keywords
            ),
        )
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("from_pretrained", "from_config", "pipeline")
    ]


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_every_call_refuses_code(path):
    trusting = [
        f"{path.name}:{line}: {what}"
        for what, line, refuses in calls(path.read_text(encoding="utf-8"))
        if not refuses
    ]
    assert trusting == []


def test_a_call_that_trusts_is_seen():
    assert calls("AutoConfig.from_pretrained(f)") == [("AutoConfig", 1, False)]
    assert calls("AutoConfig.from_pretrained(f, trust_remote_code=True)") == [
        ("AutoConfig", 1, False)
    ]
    assert calls("AutoConfig.from_pretrained(f, trust_remote_code=False)") == [
        ("AutoConfig", 1, True)
    ]
