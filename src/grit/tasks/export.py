"""``task=export``: a run's model as a folder that stock transformers loads, and on the Hub."""

import logging
from pathlib import Path

from grit.config.schema import Config
from grit.inference.exported_model import export
from grit.inference.sources import source_of
from grit.models.hub import check_upload, upload

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Write the model and its card, and upload them where ``push`` says so.

    Raises:
        GritError: there is no such model, the folder has files, or the Hub refuses the upload; the
            token is tried before anything is loaded.
    """
    if config.push is not None:
        check_upload(config.push)
    target = folder / "model" if config.output is None else Path(config.output)
    exported = export(source_of(config, overrides), config.export, target)
    if exported.note:
        log.info("the adapter is merged into its base: %s", exported.note)
    log.info("%s: %s", "adapter" if exported.is_adapter else "whole model", exported.folder)
    if config.push is not None:
        log.info("%s", upload(exported.folder, config.push, private=config.export.private))
