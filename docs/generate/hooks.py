"""What mkdocs does besides: pages that lie elsewhere in the repository, and generated parts.

``docs/`` is read in two places, in the repository and as a site. Links are written for the first:
relative paths, also to files outside of ``docs/``. For the site each such file becomes a page of
its own below ``repository/``, source code as a listing, and links are rewritten to it. So the site
needs no other server, and no network.
"""

import posixpath
import re
import sys
from collections.abc import Callable
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs takes it away again
from settings import choices_page, settings_page

from grit.config.configuration import help_text

ROOT = Path(__file__).parent.parent.parent
ELSEWHERE = "repository"
HOME = "index.md"  # README.md of the repository
LINK = re.compile(r"(?P<open>!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()(?P<target>[^()\s]+)\)")
CODE = re.compile(r"^[^\S\n]*(```+|~~~+).*?^[^\S\n]*\1[^\S\n]*$", re.M | re.S)
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".jinja": "html"}
PAGES = (  # of the navigation
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/README.md",
    "experiments/README.md",
    "notebooks/README.md",
    "sweeps/README.md",
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add README.md as the first page, and every file outside of ``docs/`` that a page links to."""
    files.append(File.generated(config, HOME, content=(ROOT / "README.md").read_text("utf-8")))
    texts = {"README.md": files.get_file_from_path(HOME)}
    texts |= {
        f"docs/{file.src_uri}": file for file in files.documentation_pages() if file.src_uri != HOME
    }
    waiting = [*texts, *PAGES]
    while waiting:
        path = waiting.pop()
        source = ROOT / path
        if path not in texts:
            page = _elsewhere(source, path, config)
            files.append(page)
            texts[path] = page
        if source.suffix == ".md":
            for target in _targets(source.read_text("utf-8"), path):
                if target not in texts and not target.startswith("docs/"):
                    waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the generated parts in, and point links at the pages of the site."""
    for name, made in _GENERATED.items():
        mark = f"<!-- generated: {name} -->"
        if mark in markdown:
            markdown = markdown.replace(mark, made())
    path = _path_of(page.file.src_uri)
    here = posixpath.dirname(page.file.src_uri)

    def on_site(match: re.Match[str]) -> str:
        target, _, anchor = match["target"].partition("#")
        if not target or ":" in target:
            return match[0]
        uri = _uri_of(_resolved(target, path))
        link = posixpath.relpath(uri, here or ".")
        return f"{match['open']}{link}{'#' + anchor if anchor else ''})"

    return _outside_code(markdown, on_site)


def _elsewhere(source: Path, path: str, config: MkDocsConfig) -> File:
    uri = _uri_of(path)
    if source.is_dir():
        names = sorted(f"{each.name}{'/' * each.is_dir()}" for each in source.iterdir())
        listing = "\n".join(name for name in names if name[0] not in "._")
        return File.generated(config, uri, content=f"# `{path}`\n\n```text\n{listing}\n```\n")
    if source.suffix in (".md", ".svg", ".png"):
        return File.generated(config, uri, abs_src_path=str(source))
    language = LANGUAGES.get(source.suffix, "text")
    text = source.read_text("utf-8")
    wide = "---\nhide: [toc]\n---\n"
    listing = f"{wide}# `{path}`\n\n~~~~{language}\n{text}\n~~~~\n"
    return File.generated(config, uri, content=listing)


def _uri_of(path: str) -> str:
    """Where a file of the repository lies in the site's sources."""
    if path == "README.md":
        return HOME
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    plain = path.endswith((".md", ".svg", ".png"))
    return f"{ELSEWHERE}/{path}{'' if plain else '.md'}"


def _path_of(uri: str) -> str:
    """The file of the repository that a page is made of."""
    if uri == HOME:
        return "README.md"
    prefix = f"{ELSEWHERE}/"
    return uri.removeprefix(prefix) if uri.startswith(prefix) else f"docs/{uri}"


def _targets(text: str, path: str) -> list[str]:
    """The files of the repository that a page links to."""
    found: list[str] = []

    def note(match: re.Match[str]) -> str:
        target = match["target"].partition("#")[0]
        if target and ":" not in target:
            resolved = _resolved(target, path)
            if (ROOT / resolved).exists():  # else the strict build complains
                found.append(resolved)
        return match[0]

    _outside_code(text, note)
    if "<!-- generated: choices -->" in text:
        found += [p.relative_to(ROOT).as_posix() for p in sorted(ROOT.glob("conf/*/*.yaml"))]
        found += [p.relative_to(ROOT).as_posix() for p in ROOT.glob("experiments/*/*.yaml")]
    return found


def _resolved(target: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _outside_code(text: str, replace: Callable[[re.Match[str]], str]) -> str:
    """Apply ``replace`` to the links that do not stand in code."""
    parts, last = [], 0
    for code in CODE.finditer(text):
        parts += [LINK.sub(replace, text[last : code.start()]), code[0]]
        last = code.end()
    return "".join([*parts, LINK.sub(replace, text[last:])])


def _help() -> str:
    return f"```text\n{help_text()}\n```"


_GENERATED = {"settings": settings_page, "choices": choices_page, "help": _help}
