"""``task=evaluate``: a model, trained or not, or predictions made anywhere."""

import logging
from pathlib import Path

from grit import processes
from grit.reporting.comparison import print_comparison
from grit.schema import Config
from grit.tasks.device import prepare_device
from grit.tasks.folder import RunFolder
from grit.tasks.measuring import (
    check_judged,
    evaluate_model,
    measure,
    read_sets,
    show,
    write_measured,
)
from grit.tasks.parts import load_checkpoint, make_adapter, make_judge
from grit.tasks.questions import test_sets
from grit.tasks.tracking import tracked

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Evaluate, print the tables, write ``results.json`` and ``predictions.jsonl``."""
    judge = make_judge(config)
    if config.predictions is not None:
        sets_of_file = read_sets(Path(config.predictions))
        RunFolder.begin(config, folder, overrides)
        measured = measure(config, sets_of_file, judge)
        write_measured(measured, folder)
        print_comparison(measured.results)
        log.info("%s", folder / "results.json")
        check_judged(judge, measured)
        return
    sets = test_sets(config)
    adapter = make_adapter(config, learning=False)
    if config.checkpoint is not None:
        load_checkpoint(adapter, config, Path(config.checkpoint))
    adapter.model.to(prepare_device(config))
    if processes.rank() == 0:
        RunFolder.begin(config, folder, overrides)
    with tracked(config, folder, overrides) as tracker:
        found = evaluate_model(config, adapter, sets, judge, folder)
        if found is not None:
            show(config, folder, sets, found, None, tracker)
            check_judged(judge, found)
