"""``task=evaluate``: a model, trained or not, or predictions made anywhere."""

import logging
from pathlib import Path

from grit.evaluation.predictions import Prediction, read_predictions
from grit.models.loading import load_trained
from grit.reporting.comparison import print_comparison
from grit.schema import Config
from grit.tasks.device import prepare_device
from grit.tasks.measuring import evaluate_model, evaluate_predictions
from grit.tasks.parts import make_adapter, make_judge, test_sets

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Evaluate, print the table, write ``results.json`` and ``predictions.jsonl``."""
    judge = make_judge(config)
    if config.predictions is not None:
        sets: dict[str, list[Prediction]] = {}
        for prediction in read_predictions(Path(config.predictions)):
            sets.setdefault(prediction.set, []).append(prediction)
        results = evaluate_predictions(config, sets, judge, folder)
    else:
        questions = test_sets(config)
        adapter = make_adapter(config, learning=False)
        if config.checkpoint is not None:
            load_trained(adapter, Path(config.checkpoint))
        adapter.model.to(prepare_device(config))
        results = evaluate_model(config, adapter, questions, judge, folder)
    print_comparison(results)
    log.info("%s", folder / "results.json")
