"""``task=tables``: the paper's tables and figures from finished runs."""

import logging
from pathlib import Path

from grit.config.schema import Config
from grit.paper.building import BUILDERS, build
from grit.paper.evidence import evidence_of_sources

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Read ``runs`` and write ``exhibits``, or all, into the folder."""
    evidence = evidence_of_sources(config.runs)
    log.info("%d runs", len(evidence.runs))
    for name in config.exhibits or BUILDERS:
        for path in build(name, evidence, folder):
            log.info("%s", path)
