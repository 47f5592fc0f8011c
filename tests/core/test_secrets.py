"""Keys come from the environment, and are not to be read anywhere else."""

import json
import logging
from pathlib import Path
from urllib.parse import quote

import pytest
from desk import Desk, files, refused

import grit.__main__ as program
from grit.config.command_line import parse
from grit.core.errors import GritError
from grit.core.keys import refuse_keys, tidy_keys
from grit.core.secrets import RedactingFormatter, redacted

KEY = "sk-Zq8/+v\"2Lm'9xT4wB7nR1cY6"
USER = "https://somebody:hunter2hunter2@127.0.0.1:9/v1"
SECRET = "hunter2hunter2"
HEX = "0f9e8d7c6b5a49382716f5e4d3c2b1a0"  # as Azure's and W&B's keys


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        repr(KEY),
        repr(f"Bearer {KEY}".encode()),
        json.dumps({"key": KEY}),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower().replace(KEY.lower(), KEY),
        f"cut at {KEY[:13]}",
        f"the end of it: {KEY[-9:]}",
    ],
)
def test_a_key_is_hidden_however_it_is_written(key: str, written: str) -> None:
    shown = redacted(f"before {written} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "***" in shown
    for start in range(len(key) - 7):
        assert key[start : start + 8] not in shown


@pytest.mark.parametrize("name", ["HF_TOKEN", "VLLM_API_KEY"])
def test_parts_of_every_key_of_the_suite_are_hidden(monkeypatch, name: str) -> None:
    monkeypatch.setenv(name, "Zq8vLm9xT4wB7nR1cY6")
    assert redacted("cut at Zq8vLm9xT4") == "cut at ***"


def test_a_key_of_anything_else_is_hidden_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER_TOKEN", "qwen2_5_vl_3b-for-all")
    assert redacted("model=qwen2_5_vl_3b of qwen2_5_vl_3b-for-all") == "model=qwen2_5_vl_3b of ***"


def test_a_file_that_holds_a_key_is_no_key(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_KEY", str(tmp_path))
    assert redacted(f"{tmp_path}/x") == f"{tmp_path}/x"


def test_what_stands_before_the_host_of_an_address_is_hidden() -> None:
    assert redacted(f"GET {USER} failed") == "GET https://***@127.0.0.1:9/v1 failed"
    assert redacted("runs/a@b and me@example.org") == "runs/a@b and me@example.org"


def test_an_error_and_a_log_line_hide_keys_with_their_traceback(key: str) -> None:
    assert key not in str(GritError(f"the service said {key}"))
    try:
        raise ValueError(f"Illegal header value b'Bearer {key}'")
    except ValueError as error:
        trace = (type(error), error, error.__traceback__)
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "%s", (key,), trace)
    shown = RedactingFormatter("%(message)s").format(record)
    assert "Illegal header value" in shown
    assert key not in shown


def test_a_traceback_of_the_program_hides_keys(key: str, capsys) -> None:
    try:
        raise ValueError(f"Illegal header value b'Bearer {key}'")
    except ValueError as error:
        program._say_fault(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "Illegal header value" in said
    assert key not in said


@pytest.mark.parametrize("ends", ["\n", "\r\n", " "])
def test_white_space_around_a_key_goes(ends: str) -> None:
    names = ("OPENAI_API_KEY", "HF_TOKEN", "VLLM_API_KEY")
    environment = dict.fromkeys(names, f" {KEY}{ends}")
    tidy_keys(environment)
    assert environment == dict.fromkeys(names, KEY)


@pytest.mark.parametrize("value", ["sk-é23456789", "sk-1234\n56789", "sk-1234 56789", "sk\x00"])
def test_what_can_be_no_key_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(GritError, match="AZURE_OPENAI_API_KEY: a blank") as refusal:
        tidy_keys({"AZURE_OPENAI_API_KEY": value})
    assert value not in str(refusal.value)


@pytest.mark.parametrize("name", ["HF_ENDPOINT", "WANDB_BASE_URL"])
def test_an_address_of_the_environment_with_a_key_is_refused(name: str) -> None:
    with pytest.raises(GritError, match=f"{name}: an address with") as refusal:
        tidy_keys({name: USER})
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "localhost", "http://", "http://host:abc"])
def test_an_address_of_wandb_that_is_none_is_one_line(address: str) -> None:
    with pytest.raises(GritError, match="WANDB_BASE_URL: expected http://HOST"):
        tidy_keys({"WANDB_BASE_URL": address})


def test_an_address_of_wandb_may_have_a_port_and_a_path() -> None:
    for address in ("", "http://127.0.0.1:9", "https://api.wandb.ai", "https://host/wandb"):
        tidy_keys({"WANDB_BASE_URL": address})


def test_a_configuration_with_a_key_is_refused(key: str) -> None:
    refuse_keys({"a": [1, None, "x"], "judge": {"base_url": "https://127.0.0.1/v1"}})
    for value in (key, f"x{key}y", USER, ["ok", USER]):
        with pytest.raises(GritError, match=r"config: judge\.base_url(\[1\])? holds") as refusal:
            refuse_keys({"judge": {"base_url": value}})
        assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("name", ["api_key", "AZURE_OPENAI_API_KEY", "hf-token", "password"])
def test_a_key_without_a_form_of_its_own_is_refused_by_its_name(name: str) -> None:
    refuse_keys({"judge": {name: None}, "model": {name: ""}, "a": {"max_tokens": 256}})
    refuse_keys({"judge": {"max_tokens": "256"}, "tokens_per_pass": 1, "data": {name: {"of": 1}}})
    for value in (HEX, 12345678, [HEX]):
        with pytest.raises(GritError, match=rf"config: judge\.{name}(\[0\])? holds") as refusal:
            refuse_keys({"judge": {name: value}})
        assert HEX not in str(refusal.value)


@pytest.mark.parametrize(
    "given",
    [
        "+reward.terms.per_token={call: my_module.per_token, weight: 0.5}",
        "+suite.sets.turkey={file: turkey.jsonl, images: turkey}",
        "hydra.launcher.additional_parameters.wckey=vision",
    ],
)
def test_what_is_named_like_a_key_and_is_none_is_taken(given: str) -> None:
    for values in parse([given]).values:
        refuse_keys(values)


@pytest.mark.parametrize("option", ["--api-key", "--api_key", f"--api-key={HEX}", "--hf-token"])
def test_a_servers_option_that_takes_a_key_is_refused(option: str) -> None:
    refuse_keys({"rollout": {"server_options": ["--max-num-batched-tokens", "8192"]}})
    with pytest.raises(GritError, match=r"server_options\[0\]: --.* VLLM_API_KEY") as refusal:
        refuse_keys({"rollout": {"server_options": [option, HEX]}})
    assert HEX not in str(refusal.value)


def test_a_key_of_the_hub_is_hidden_and_a_name_like_it_is_not() -> None:
    assert redacted("of hf_abcdefGHIJ0123456789 here") == "of *** here"
    for name in (
        "hf_hub_download",
        "hf_transformers",
        "/data/hf_home/model-7B",
        "/data/hf_datasets2024/a",
    ):
        assert redacted(name) == name


@pytest.mark.parametrize(
    "overrides",
    [
        ["judge=openai", f"judge.base_url={USER}"],
        ["judge=openai", f"judge.base_url={USER}", "judge.base_url=https://127.0.0.1/v1"],
        [f"+judge.api_key={HEX}"],
        ["-m", f"+judge.api_key={HEX}", "seed=1,2"],
        ["-m", f"+judge={{api_key:{HEX}}},{{api_key:no}}"],
        ["-m", f"+hydra.job.env_set.AZURE_OPENAI_API_KEY={HEX}"],
        ["-m", "judge=hexadecimal", "seed=1,2"],
        ["rollout=vllm", f"rollout.server_options=[--api-key,{HEX}]"],
        ["-m", "rollout=vllm", f"rollout.server_options=[--api-key={HEX}]"],
        ["-m", "judge=openai", f"judge.base_url={USER}", "seed=1,2"],
        ["-m", "judge=mine", "seed=1,2"],
        ["judge=mine"],
        ["judge=openai", "judge.base_url=https://h/${oc.env:OPENAI_API_KEY}"],
        ["task=data", f"preparation.coco={USER}"],
    ],
)
def test_no_key_is_written_by_the_command_line(desk: Desk, overrides: list[str]) -> None:
    choices = desk.folder.parent / "choices"
    (choices / "judge").mkdir(parents=True, exist_ok=True)
    mine = f"defaults: [openai]\nbase_url: {USER}\n"
    (choices / "judge" / "mine.yaml").write_text(mine, encoding="utf-8")
    named = f"defaults: [openai]\napi_key: {HEX}\n"
    (choices / "judge" / "hexadecimal.yaml").write_text(named, encoding="utf-8")
    done = desk.grit(f"--config-dir={choices}", *overrides)
    said = refused(done) + done.stdout
    everything = said.encode() + b"".join(files(desk.folder).values())
    assert SECRET.encode() not in everything
    assert HEX.encode() not in everything
    assert desk.environment["OPENAI_API_KEY"].encode() not in everything


def test_a_key_with_a_line_break_serves_and_one_that_is_none_is_one_line(desk: Desk) -> None:
    judge = ("experiment=smoke", "judge=openai", "judge.base_url=http://127.0.0.1:9/v1")
    message = refused(desk.grit(*judge, "judge.attempts=1", OPENAI_API_KEY="sk-1234567890\r\n"))
    assert "All connection attempts failed" in message  # no word of an illegal header
    message = refused(desk.grit(*judge, OPENAI_API_KEY="sk-é234567890"))
    assert message.startswith("grit: OPENAI_API_KEY: ")
    assert b"34567890" not in b"".join(files(desk.folder).values())
