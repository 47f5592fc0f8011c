"""``task=data``: downloads, converts and checks the paper's data, and makes table 2 from it."""

import logging
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

from huggingface_hub.utils import disable_progress_bars
from omegaconf import DictConfig, OmegaConf

from grit.config.configuration import CONF
from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.files import write_json
from grit.data.jsonl import read_samples
from grit.data.mixtures import drawn_rows
from grit.data.preparation.downloads import Downloads
from grit.data.preparation.paper import TEST_FILES
from grit.data.preparation.prepare import Preparation
from grit.data.preparation.shortfalls import Shortfall, summary_lines
from grit.data.set_counts import print_table2, set_statistics, write_table2
from grit.data.settings import DataSettings, SourceSettings
from grit.data.triplets import training_samples
from grit.runs.folder import RunFolder

log = logging.getLogger(__name__)
DRAWN = ("vsr_tally_500", "vsr_tally_7000")  # the mixtures of the scaling study
COUNTING = ("tallyqa",)  # what of them asks for counts


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Prepare the data, draw the mixtures, write table 2, and list what is missing.

    Raises:
        GritError: an existing file is invalid; or, after everything is written, some data is
            missing and ``data.check_only`` is off.
    """
    RunFolder.at(config, folder, overrides).begin(config)
    shortfalls = _prepare(config)
    drawn = {}
    for name in DRAWN:
        mixture = _mixture(config.data, name)
        try:
            rows = training_samples(mixture, config.suite)
            drawn[name] = drawn_rows(rows, config.data.seed, COUNTING)
        except GritError as error:
            size = "data.sources.NAME.rows" if mixture.total is None else "data.total"
            hand = f"see the other lines; fewer rows: data={name} {size}=N"
            shortfalls.append(Shortfall(name, "training mixture", str(error), hand))
    write_json(folder / "drawn.json", drawn)
    root = Path(config.data.root)
    sets = {
        each.name: set_statistics(
            read_samples(root / each.file, root / each.images, name=each.name, require_images=False)
        )
        for each in TEST_FILES
        if (root / each.file).is_file()
    }
    write_table2(folder, sets)
    write_json(folder / "shortfalls.json", [each.as_row() for each in shortfalls])
    if sets:
        print_table2(sets)
    for name, found in drawn.items():
        log.info("%s: %d rows drawn, counts %s", name, found["rows"], found["counts"])
    _end(config, folder, shortfalls)


def _prepare(config: Config) -> list[Shortfall]:
    settings = replace(
        config.preparation,
        coco=config.preparation.coco.rstrip("/"),
        visual_genome=config.preparation.visual_genome.rstrip("/"),
    )
    if not (config.trainer.progress_bar and sys.stderr.isatty()):
        disable_progress_bars()  # of huggingface_hub
    with closing(Downloads(settings)) as downloads:
        preparation = Preparation(
            root=Path(config.data.root),
            settings=settings,
            downloads=downloads,
            seed=config.data.seed,
            check_only=config.data.check_only,
            progress=config.trainer.progress_bar,
        )
        preparation.perform()
    return preparation.shortfalls


def _mixture(data: DataSettings, name: str) -> DataSettings:
    """The settings of ``data=NAME`` with the root and seed of ``data``."""
    composed = cast(DictConfig, OmegaConf.load(CONF / "data" / f"{name}.yaml"))
    sources = {source: SourceSettings(**fields) for source, fields in composed.sources.items()}
    return replace(data, name=name, sources=sources, total=composed.get("total"))


def _end(config: Config, folder: Path, shortfalls: list[Shortfall]) -> None:
    for line in summary_lines(shortfalls):
        log.info("%s", line)
    log.info("%s", folder / "table2.md")
    if not shortfalls:
        log.info("everything is in %s", config.data.root)
    elif not config.data.check_only:
        raise GritError(
            f"data.root={config.data.root}: {len(shortfalls)} things could not be had: the list "
            f"above and {folder / 'shortfalls.json'} say why, and how to get them by hand"
        )
