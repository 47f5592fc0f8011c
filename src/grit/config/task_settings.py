"""The part of the schema that belongs to one task each, and to no training run."""

from dataclasses import dataclass


@dataclass
class PretrainConfig:
    """The course of a tiny base model; null leaves a field as the model's own course has it."""

    vision_steps: int | None = None
    pairs_steps: int | None = None
    drill_share: float | None = None  # of the steps that the drills name
    beside_steps: int | None = None
    scenes_steps: int | None = None
    leading_steps: int | None = None
    chains_steps: int | None = None
    counts_steps: int | None = None
    counts_pool: int | None = None
    habits_steps: int | None = None
    finish_steps: int | None = None
    pool: int | None = None  # scenes of the stages from scenes on, but for leading and counts
    small_pool: int | None = None  # scenes of the pairs stage and the drills
    beside_pool: int | None = None  # scenes of the beside and leading stages
    first_rate: float | None = None
    drill_rate: float | None = None
    rate: float | None = None
    habits_rate: float | None = None
    quality_rows: int | None = None  # questions of each kind in the final measurement
    checkpoint_seconds: float | None = None


@dataclass
class PreparationConfig:
    """Where ``task=data`` gets what is not on the Hugging Face Hub, and how."""

    coco: str = "http://images.cocodataset.org"  # train2017/NAME and val2017/NAME lie below it
    visual_genome: str = "https://cs.stanford.edu/people/rak248"  # VG_100K/ID.jpg, VG_100K_2/...
    visual_genome_list: str = (  # says which of its images are in COCO
        "https://homes.cs.washington.edu/~ranjay/visualgenome/data/dataset/image_data.json.zip"
    )
    tallyqa: str = "https://github.com/manoja328/tallyqa/raw/master/tallyqa.zip"
    counting_rows: int = 4500  # drawn of TallyQA's 249,318; with a reserve for images that are gone
    workers: int = 16  # downloads at a time
    attempts: int = 4  # at a file whose host fails in passing
    timeout: float = 30.0  # seconds that a host may be silent
    total_timeout: float = 600.0  # seconds of one file in all, however slowly it comes


@dataclass
class CheckConfig:
    """``task=check``: what a run would be, before anyone rents a GPU."""

    gpu: str = "H100"  # whose peaks seconds are estimated from, see training/costs.py
    rows: int = 2  # prompts that are shown
    weights: bool = False  # load the model too


@dataclass
class CorrelationConfig:
    """Figure 4: whether a judge can tell a chain's boxes from random ones."""

    chains: int = 100  # at most so many of each test set, drawn by lot
    repeats: int = 3  # each with new random boxes


@dataclass
class AttentionConfig:
    """Figure 5: attention on the image after <rethink>."""

    set: str = "gqa"
    samples: int = 100  # at most so many, drawn by lot
    tokens: int = 50  # generated after <rethink>
