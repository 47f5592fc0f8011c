"""What the paper's table 2 says of a test set."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from grit.data.jsonl import SampleFile
from grit.data.samples import Sample
from grit.grounding.boxes import union_area

_YES_NO = ("yes", "no")
_CHOICES = "Choices:"  # as MathVista lists them


@dataclass(frozen=True)
class SetStatistics:
    """One column of table 2, not rounded."""

    rows: int
    question_words: float
    answer_words: float
    closed_percent: float  # the answer is yes or no, or choices are listed
    grounding_percent: float | None  # of the image's area; None where no row has a box
    images_missing: int  # rows whose image is not there

    def as_row(self) -> dict[str, int | float | None]:
        """For ``table2.json``."""
        return asdict(self)


def set_statistics(read: SampleFile) -> SetStatistics:
    """Table 2's figures of a file that was read with all of its rows.

    Words are what white space separates. The grounding share is the area of the union of the boxes
    over that of the image, averaged over all rows, 0 for a row without boxes.
    """
    samples = read.samples
    grounded = any(sample.boxes for sample in samples)
    return SetStatistics(
        rows=read.rows,
        question_words=_mean([len(sample.question.split()) for sample in samples]),
        answer_words=_mean([len(sample.answer.split()) for sample in samples]),
        closed_percent=_mean([100.0 * is_closed(sample) for sample in samples]),
        grounding_percent=_mean([_grounded_percent(s) for s in samples]) if grounded else None,
        images_missing=read.missing_images,
    )


def is_closed(sample: Sample) -> bool:
    """Whether a question is answered by yes or no, or by one of the choices that it lists."""
    return sample.answer.strip().lower() in _YES_NO or _CHOICES in sample.question


def _grounded_percent(sample: Sample) -> float:
    image = sample.space.width * sample.space.height
    return 100.0 * union_area(sample.boxes or ()) / image


def _mean(values: Sequence[float]) -> float:
    return fmean(values)
