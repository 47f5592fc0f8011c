"""What training reads of its rows: the answers alone, or their annotated boxes as well."""

from collections.abc import Sequence
from pathlib import Path

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.data.samples import Sample
from grit.grounding.boxes import with_area
from grit.rewards.reward import reward_from
from grit.runs.results import ANSWERS, ANSWERS_AND_BOXES
from grit.runs.run_record import RECORD, read_record

_ABOVE = 2  # folders: RUN/model/weights, RUN/checkpoints/step-2.ckpt


def annotation_of(config: Config, trained_on: Sequence[Sample]) -> str | None:
    """``answers`` or ``answers+boxes``: what a run's training makes use of; None without training.

    Boxes are used by few-shot fine-tuning, whose traces have them, by a reward that has a term with
    a weight that sees them, and by the weight of a group's difficulty, which is an IoU; each only
    where a row has an annotated box.
    """
    if not (config.method.learns and trained_on):
        return None
    reads_boxes = (
        config.method.training == "sft"
        or config.training.objective.difficulty_weight
        or reward_from(config.reward).of_boxes
    )
    has_boxes = any(with_area(sample.boxes or ()) for sample in trained_on)
    return ANSWERS_AND_BOXES if reads_boxes and has_boxes else ANSWERS


def annotation_of_weights(path: Path) -> str | None:
    """What the run used that trained these weights; None where they lie in no run's folder.

    Args:
        path: a ``.ckpt`` file or the folder of a model.
    """
    for folder in (path, *path.resolve().parents[:_ABOVE]):  # the path may be a link
        if (folder / RECORD).is_file():
            try:
                said = read_record(folder / RECORD).get("annotation")
            except GritError:
                return None
            return said if isinstance(said, str) else None
    return None
