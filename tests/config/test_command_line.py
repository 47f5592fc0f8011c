"""Options and overrides in any order, and words that are neither."""

import itertools

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString

from grit.config.command_line import help_topic, no_override, override_of, parse
from grit.core.errors import GritError

PARTS = (["-m"], ["--config-dir", "mine"], ["model=x"], ["~data.sources.vsr", "training.beta=-1"])


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_options_may_stand_anywhere(order: tuple[int, ...]) -> None:
    line = parse([word for place in order for word in PARTS[place]])
    overrides = [word for place in order for word in PARTS[place] if place > 1]
    assert sorted(line.options) == ["--config-dir", "--multirun", "mine"]
    assert line.options[line.options.index("--config-dir") + 1] == "mine"
    assert line.overrides == overrides
    assert line.ordered == [*line.options, *overrides]
    assert line.words == []


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (["-cjob"], ["--cfg", "job"]),
        (["-cd", "mine"], ["--config-dir", "mine"]),
        (["--config-dir=mine"], ["--config-dir", "mine"]),
        (["--multi"], ["--multirun"]),
        (["--info"], ["--info"]),
        (["--info", "defaults"], ["--info", "defaults"]),
        (["-h"], ["--help"]),
    ],
)
def test_options_have_one_form(given: list[str], options: list[str]) -> None:
    assert parse([*given, "a=1"] if given != ["--info"] else ["a=1", *given]).options == options


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--foo", "a=1"], "--foo is no option; there are .*--config-dir"),
        (["--model=x"], "settings have no dashes, model=x"),
        (["--config-dir"], "expected one argument"),
        (["--cfg", "foo"], "invalid choice"),
    ],
)
def test_what_is_no_option(given: list[str], said: str) -> None:
    with pytest.raises(GritError, match=said):
        parse(given)


@pytest.mark.parametrize(
    "given",
    [
        "question=What's left of the cup?",
        "question=Is it red (or blue)?",
        "question=Is the cup, or the plate, red?",
        "question='Cup' or \"mug\", which is it?",
        "question=[a] or {b}: a\\",
        "question=What is ~5 & 6; or 7!",
        "image=photo (1).jpg",
        "image=photo (1), later.jpg",
        "rollout.python=~/vllm/bin/python",
        "+logger.group=it's mine",
    ],
)
def test_text_is_taken_as_it_is(given: str) -> None:
    (override,) = parse([given]).overrides
    parsed = OverridesParser.create().parse_override(override)
    name, _, text = given.lstrip("+").partition("=")
    assert (parsed.key_or_group, parsed.value()) == (name, text)
    assert parse([override]).overrides == [override]


@pytest.mark.parametrize(
    "given",
    [
        ["question=Is it red?"],
        ["question='What is it, a cup?'"],
        ["-m", "question='Is it red?','Is it blue?'"],
        ["-m", "image=a (1).jpg,b.jpg"],
        ["experiment=table1", "checkpoint=a (1),b"],
        ["checkpoint=a,b"],  # Hydra advises --multirun, or quotes
        ["checkpoint=null"],
        ["training.steps=(3)"],
        ["model=tiny_qwen,tiny_internvl"],
        ["~image"],
    ],
)
def test_what_hydra_reads_or_may_be_several_values_gets_no_quotes(given: list[str]) -> None:
    assert parse(given).overrides == [each for each in given if each != "-m"]


def test_a_question_is_one_in_a_multirun_too() -> None:
    (override,) = parse(["-m", "question=Is the cup, or the plate, red?"]).overrides
    assert override == "question='Is the cup, or the plate, red?'"


@pytest.mark.parametrize("name", ["hydra.run.dir", "hydra.sweep.dir"])
def test_the_home_folder_of_a_runs_folder_is_not_a_new_one_here(name: str, monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/me (1)")
    (override,) = parse([f"{name}=~/runs/a"]).overrides
    assert read(override) == "/home/me (1)/runs/a"


FOLDERS = ("runs/x-My Model (é)", "a=b", "a,b", "[1]", "x#~&", "it's", "C:\\", "true", "7")


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_any_name_is_named_in_a_command(folder: str) -> None:
    (given,) = parse([override_of("hydra.run.dir", folder)]).overrides
    assert read(given) == folder


@pytest.mark.parametrize("folder", ["runs/x-My Model (é)", "a=b", "x#~&"])
def test_a_folder_needs_no_quotes_of_its_own(folder: str) -> None:
    (given,) = parse([f"hydra.run.dir={folder}"]).overrides
    assert read(given) == folder


def test_a_folder_of_a_plain_name_gets_no_quotes() -> None:
    assert override_of("hydra.run.dir", "runs/2026-01/a") == "hydra.run.dir=runs/2026-01/a"


def read(override: str) -> object:
    """What Hydra takes a value for."""
    value = OverridesParser.create().parse_override(override).value()
    return value.text if isinstance(value, QuotedString) else value


def test_words_set_nothing() -> None:
    assert parse(["a=1", "word", "=3", "~b", "+c=1", "~"]).words == ["word", "=3", "~"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("cot", "did you mean method=cot?"),
        ("rules", "did you mean judge=rules or other=rules?"),
        ("method", "method= takes cot, direct"),
        ("xyzzy", "expected NAME=VALUE"),
    ],
)
def test_what_a_word_may_have_meant(word: str, said: str) -> None:
    known = {"method": ["cot", "direct"], "judge": ["rules"], "other": ["rules"]}
    assert said in no_override(word, known)


def test_help_is_about_one_group() -> None:
    groups = ["model", "judge"]
    assert help_topic(["judge"], groups) == "judge"
    for words, said in (
        (["modle"], "did you mean model"),
        (["xyzzy"], "model, judge"),
        (["judge", "model"], "one group"),
    ):
        with pytest.raises(GritError, match=said):
            help_topic(words, groups)
