"""The paper's data files, and the origins of their images."""

from dataclasses import dataclass
from enum import StrEnum

GRIT_DATA = "yfan1997/GRIT_data"
VISUAL_COT = "deepcs233/Visual-CoT"
MATHVISTA = "AI4Math/MathVista"
MME = "lmms-lab/MME"  # MME itself is given out on request; this copy has its 2374 questions
OVDEVAL = "omlab/OVDEval"


class Origin(StrEnum):
    """Where the images of a file come from."""

    coco = "COCO 2017"
    visual_genome = "Visual Genome"
    coco_or_visual_genome = "COCO 2017 and Visual Genome"
    mathvista = MATHVISTA
    mme = MME
    ovdeval = OVDEVAL


@dataclass(frozen=True)
class PaperFile:
    """One file of annotations."""

    name: str  # of the set, as in conf/suite/paper.yaml and conf/data/
    file: str  # below data.root
    images: str  # folder below data.root
    origin: Origin
    rows: int | None  # of the released file; None where it depends on the available images


TEST_FILES = (
    PaperFile("vsr", "vsr_val.jsonl", "vsr", Origin.coco, 288),
    PaperFile("tallyqa", "tallyqa_val.jsonl", "tallyqa", Origin.visual_genome, 491),
    PaperFile("gqa", "gqa_val.jsonl", "gqa", Origin.visual_genome, 509),
    PaperFile(
        "mathvista_mini", "mathvista_mini_val.jsonl", "mathvista_mini", Origin.mathvista, 1000
    ),
    PaperFile("mme", "mme_val.jsonl", "mme", Origin.mme, 240),
    PaperFile("ovd_position", "ovd_position_val.jsonl", "ovd_position", Origin.ovdeval, 2146),
)
RELEASED_TRAINING_FILES = (
    PaperFile("vsr", "vsr_cot_train_10.jsonl", "vsr", Origin.coco, 10),
    PaperFile("tallyqa", "tallyqa_train_10.jsonl", "tallyqa", Origin.coco_or_visual_genome, 10),
)
VSR_TRAINING = PaperFile("vsr", "vsr_cot_train.jsonl", "vsr", Origin.coco, 3376)
TALLYQA_TRAINING = PaperFile(
    "tallyqa", "tallyqa_train.jsonl", "tallyqa", Origin.coco_or_visual_genome, None
)
FILES = (*RELEASED_TRAINING_FILES, VSR_TRAINING, TALLYQA_TRAINING, *TEST_FILES)
