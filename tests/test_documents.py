"""What the documents say is there: links, paths, commands, settings; and they build as a site."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from composing import ARMS, EXPERIMENTS, FILES, choice, composed, config
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from grit.config.command_line import CommandLine, parse
from grit.config.unused import unused
from grit.core.settings import Text, declared, setting, settings, type_name

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *(
            ROOT / name / "README.md"
            for name in ("benchmarks", "experiments", "notebooks", "sweeps")
        ),
        *ROOT.glob("experiments/results/*.md"),
    ]
)
FENCED = re.compile(r"^([^\S\n]*)(```+|~~~+)(\w*)\n(.*?)^\1\2[^\S\n]*$", re.M | re.S)
LINK = re.compile(r"\]\(([^()\s]+)\)")
NAMED = re.compile(
    r"(?<![\w/.-])(?:src|conf|docs|tests|experiments|benchmarks|sweeps|notebooks|\.ci|\.github)/"
    r"[\w./-]*\w"
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


documents = pytest.mark.parametrize("document", DOCUMENTS, ids=name)


def prose(document: Path) -> str:
    return FENCED.sub("", document.read_text(encoding="utf-8"))


@documents
def test_links_lead_to_files(document: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(prose(document)) if ":" not in link]
    assert [each for each in targets if not (document.parent / each).exists()] == []


@documents
def test_links_that_name_a_file_lead_to_it(document: Path) -> None:
    named = r"\[`([\w./-]+\.(?:py|md|ya?ml|toml|jsonl?|svg|html|ipynb))`\]\(([^()\s#]+)[^()\s]*\)"
    labelled = re.findall(named, prose(document))
    others = [(label, link) for label, link in labelled if Path(label).name != Path(link).name]
    assert others == []


@documents
def test_paths_that_are_named_exist(document: Path) -> None:
    spans = re.findall(r"`([^`\n]+)`", prose(document))
    paths = [path for span in spans for path in NAMED.findall(span)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_readme_stays_a_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def commands(document: Path) -> Iterator[list[str]]:
    """The words behind ``-m grit`` of every command that a document shows, torchrun's as well."""
    for block in FENCED.finditer(document.read_text(encoding="utf-8")):
        if block[3] == "console":
            text = re.sub(r"\\\n\s*", " ", block[4])
            for line in re.findall(r"^\s*\$ (.*)$", text, re.M):
                yield from overrides_in(line)


def overrides_in(line: str) -> Iterator[list[str]]:
    words = shlex.split(line, comments=True)
    for place, word in enumerate(words):
        if " -m grit " in word:  # sbatch --wrap "..."
            yield from overrides_in(word)
        elif words[place : place + 2] == ["-m", "grit"]:
            yield words[place + 2 :]


def jobs(line: CommandLine) -> Iterator[list[str]]:
    """Overrides of runs that have every value of a command between them, not every combination."""
    overrides = OverridesParser.create().parse_overrides(line.overrides)
    choices = [
        [f"{each.get_key_element()}={value}" for value in each.sweep_string_iterator()]
        if each.is_sweep_override()
        else [each.input_line]
        for each in overrides
    ]
    own = "--config-dir" in line.options  # further values may be the reader's own files
    for number in range(1 if own else max(map(len, choices), default=1)):
        yield [values[number % len(values)] for values in choices]


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if list(commands(path))], ids=name)
def test_commands_that_are_shown_compose(document: Path) -> None:
    for words in commands(document):
        if "--help" not in words and "--cfg" not in words:
            line = parse(words)
            for overrides in jobs(line):
                found = unused(config(*overrides), overrides)
                if "--multirun" not in line.options:
                    assert [str(each) for each in found if each.refused] == []


def test_the_jobs_of_a_command_have_its_every_value() -> None:
    line = parse(["-m", "model=tiny_qwen,tiny_internvl", "seed=0,1,2", "threads=1"])
    assert list(jobs(line)) == [
        ["model=tiny_qwen", "seed=0", "threads=1"],
        ["model=tiny_internvl", "seed=1", "threads=1"],
        ["model=tiny_qwen", "seed=2", "threads=1"],
    ]


def test_submitit_s_jobs_go_on_when_they_are_put_back_into_the_queue() -> None:
    """Submitit repeats the words of the first start; without resume=true the folder is taken."""
    shown = [
        words
        for words in commands(ROOT / "docs/how_to/slurm.md")
        if "hydra/launcher=submitit_slurm" in words
    ]
    assert shown
    for words in shown:
        assert "resume=true" in words
        assert [word for word in words if word.startswith("hydra.sweep.dir=")]


class Page(HTMLParser):
    """What a page of the site loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        loads = tag in ("script", "img", "iframe", "source") or (
            tag == "link" and values.get("rel") != "canonical"
        )
        address = values.get("src") or values.get("href")
        if loads and address:
            self.loaded.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_load_nothing_from_a_network(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for path in pages:
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        assert [each for each in page.loaded if re.match(r"(\w+:)?//", each)] == [], path


def test_the_reference_has_every_setting_and_choice(site: Path) -> None:
    def paths(node: DictConfig, prefix: str = "") -> Iterator[str]:
        for key in node:
            inner = node._get_node(key)
            yield f"{prefix}{key}"
            named = f"{prefix}{key}" in (
                "data.sources",
                "suite.sets",
                "validation.sets",
                "reward.terms",
            )
            if isinstance(inner, DictConfig) and len(inner) and not named:
                yield from paths(inner, f"{prefix}{key}.")

    settings = (site / "reference" / "settings.html").read_text(encoding="utf-8")
    leaves = [path for path in paths(composed("judge=openai")) if not path.startswith("judge.pri")]
    of_training = ("sft", "advantage", "objective", "perception")
    sections = ("model.lora", "rollout.sampling", *(f"training.{name}" for name in of_training))
    missing = [
        path
        for path in leaves
        if f"<code>{path}</code>" not in settings and path not in sections and "needs." not in path
    ]
    assert missing == []
    choices = (site / "reference" / "choices.html").read_text(encoding="utf-8")
    missing = [
        choice(path) for path in (*FILES, *EXPERIMENTS, *ARMS) if choice(path) not in choices
    ]
    assert missing == []


@settings
class Example:
    """Settings of every kind."""

    name: Text = setting("has to be set")
    steps: int | None = setting("a range", None, ge=1)
    mode: Literal["a", "b"] = setting("some words", "a", changes_results=False)


def test_a_setting_is_described_by_its_declaration() -> None:
    described = [(s.path, type_name(s.kind), s.about, s.expected) for s in declared(Example)]
    assert described == [
        ("name", "text", "has to be set", None),
        ("steps", "integer, or null", "a range", "at least 1"),
        ("mode", "one of", "some words", "one of a, b"),
    ]
