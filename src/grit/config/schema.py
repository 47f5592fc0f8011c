"""What a run's configuration may hold: every field, its type and what it is for.

The composed configuration is checked against these classes, so that a misspelt key or a wrong type
anywhere, also inside a YAML file, ends the run in one line before anything starts.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from grit.config.task_settings import (
    AttentionConfig,
    CheckConfig,
    CorrelationConfig,
    PreparationConfig,
    PretrainConfig,
)
from grit.config.training_settings import TrainingConfig
from grit.judge.settings import MISSING, WITH_FIELDS, JudgeConfig


class Task(StrEnum):
    """What ``python -m grit`` does."""

    train = "train"  # train by the method, evaluate before and after
    evaluate = "evaluate"  # evaluate a model, or predictions made anywhere
    score = "score"  # score completions from anywhere with a reward
    check = "check"  # what a run would be, before anything large is loaded
    pretrain = "pretrain"  # make a tiny base model
    data = "data"  # prepare and check the paper's data
    tables = "tables"  # tables and figures from finished runs
    report = "report"  # one page, and a W&B report, about many runs
    correlation = "correlation"  # figure 4 from finished runs
    attention = "attention"  # figure 5 from finished runs


class Adaptation(StrEnum):
    """Which weights learn."""

    full = "full"  # all of them, as fp32 master weights
    lora = "lora"  # fp32 LoRA adapters on a frozen base


class Dtype(StrEnum):
    """In what the base weights are kept."""

    float32 = "float32"
    bfloat16 = "bfloat16"


class Prompt(StrEnum):
    """Whose words stand around the user's turn."""

    processor = "processor"  # the chat template of the model's own processor
    released = "released"  # GRIT's released code: other for InternVL only, see models/internvl.py


class Training(StrEnum):
    """How a method trains."""

    none = "none"
    grpo_gr = "grpo_gr"
    sft = "sft"


@dataclass
class LoraConfig:
    """LoRA adapters (peft)."""

    rank: int = 64  # columns of each adapter's matrices
    alpha: int = 128  # its output is scaled by alpha / rank
    dropout: float = 0.0  # in front of the adapters, while training
    target_modules: list[str] = field(default_factory=list)  # names of the layers that get one


@dataclass
class ModelConfig:
    """The base model and which of its weights learn."""

    name: str = MISSING
    # a Hub id, a local folder in transformers format or in InternVL's own layout, or tiny:FAMILY
    path: str = MISSING
    revision: str | None = None  # of the Hub
    adaptation: Adaptation = Adaptation.lora
    lora: LoraConfig = field(default_factory=LoraConfig)
    freeze_vision: bool = False  # the vision tower does not learn
    prompt: Prompt = Prompt.processor
    dtype: Dtype = Dtype.bfloat16
    # sdpa, eager, flash_attention_2, or flex_attention: shared rows of the update skip the blocks
    # between completions, all else is sdpa; it learns on a GPU only, and is not yet measured there
    attention: str = "sdpa"  # sdpa | eager | flex_attention | flash_attention_2
    gradient_checkpointing: bool = False  # less memory, a second forward pass for it
    # Settings of the image processor; models of tiny:FAMILY keep theirs.
    image: dict[str, int] = field(default_factory=dict)
    seed: int = 0  # of random weights, where a model has them


@dataclass
class SourceConfig:
    """One source of triplets: a JSONL file with images, or drawn scenes."""

    file: str | None = None  # JSONL in GRIT's format, below data.root
    images: str | None = None  # folder of its images, below data.root
    kind: str | None = None  # drawn scenes: vsr, tallyqa, gqa, mathvista, mme, ovd
    split: str = "train"  # drawn scenes: which disjoint part
    rows: int | None = None  # how many; null takes all of a file
    balance_counts: bool = False  # counting data: evenly over the answers 0-4
    apart_from_tests: bool = False  # no row whose photograph is in a test set


@dataclass
class DataConfig:
    """The training triplets."""

    name: str = MISSING
    root: str = MISSING
    seed: int = 0  # of which rows are drawn; not the run's seed
    total: int | None = None  # rows in all: what other sources lack, the last one makes up
    # A row with a longer prompt, image included, is refused; null: as many as the model takes.
    max_prompt_tokens: int | None = 4096
    check_only: bool = False  # task=data: report, download nothing
    sources: dict[str, SourceConfig] = field(default_factory=dict)


@dataclass
class SuiteConfig:
    """The test sets."""

    name: str = MISSING
    root: str = MISSING
    limit: int | None = None  # at most so many questions a set
    sets: dict[str, SourceConfig] = field(default_factory=dict)


@dataclass
class MethodConfig:
    """How the model is asked, and how it is trained."""

    name: str = MISSING
    suffix: bool = MISSING  # the GRIT suffix follows the question
    example: bool = MISSING  # one worked example follows the suffix
    tagged_answer: bool = MISSING  # the answer stands behind <answer>; else it is all of the text
    training: Training = MISSING


@dataclass
class TermConfig:
    """One term of the reward."""

    call: str = MISSING  # dotted path of a function from a Response to a number
    weight: float = MISSING  # what the term's value is multiplied by


@dataclass
class RewardConfig:
    """The reward: a weighted sum of terms."""

    name: str = MISSING
    counting_datasets: list[str] = MISSING  # the rows' `dataset` values that have a true count
    terms: dict[str, TermConfig] = MISSING


@dataclass
class EvaluationConfig:
    """Greedy evaluation."""

    max_new_tokens: int = 1000  # of a completion
    before_training: bool = True  # evaluate the base too
    after_training: bool = True  # evaluate what was trained


@dataclass
class TrainerConfig:
    """Where and how long training runs (pytorch-lightning)."""

    max_steps: int = MISSING
    accelerator: str = "auto"  # auto | cpu | gpu: auto is the GPU where there is one
    devices: int = 1  # processes of each node
    num_nodes: int = 1  # machines
    strategy: str = "auto"  # auto | ddp | zero1 | fsdp | deepspeed_zero2
    precision: str = "32-true"  # 32-true | bf16-mixed
    checkpoint_every: int = 50  # steps
    stop_within: float = 25.0  # seconds that Ctrl-C or SIGTERM gives the step under way to end
    max_silence: float = 14400.0  # seconds that processes wait for one that does not answer: the
    # first may ask a judge about a test suite meanwhile
    progress_bar: bool = True  # while training, evaluating and downloading


@dataclass
class LoggerConfig:
    """Where metrics go besides the run's folder."""

    name: str = MISSING
    project: str = "grit"  # of W&B
    entity: str | None = None  # of W&B: a user or a team; null: the key's own
    mode: str = "auto"  # auto: online where WANDB_API_KEY is set, else offline
    sample_every: int = 10  # steps between logged completions
    rows: int = 40  # of each test set, in the table of evaluation rows
    group: str | None = None  # what runs are gathered by; null: the experiment
    tags: list[str] = field(default_factory=list)  # besides model, data, method, reward, judge


@dataclass
class Config:
    """A whole run."""

    task: Task = Task.train
    seed: int = 0
    resume: bool = False
    threads: int | None = None  # of the CPU; null leaves it to torch
    # evaluate: trained weights: a .ckpt file, a folder with an adapter or a model, a run's folder,
    # or a Hub id, ORG/NAME or ORG/NAME@REVISION
    checkpoint: str | None = None
    predictions: str | None = None  # evaluate: predictions made anywhere, JSONL
    input: str | None = None  # score: completions, JSONL
    output: str | None = None  # score: where the scored rows go
    # tables, report, correlation, attention: folders; tables: wandb:ENTITY/PROJECT too
    runs: list[str] = field(default_factory=list)
    exhibits: list[str] = field(default_factory=list)  # tables and figures to make of the runs
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    method: MethodConfig = field(default_factory=MethodConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    suite: SuiteConfig = field(default_factory=SuiteConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    preparation: PreparationConfig = field(default_factory=PreparationConfig)
    check: CheckConfig = field(default_factory=CheckConfig)
    correlation: CorrelationConfig = field(default_factory=CorrelationConfig)
    attention: AttentionConfig = field(default_factory=AttentionConfig)
    experiment: Any = None


def schema_of(judge: object) -> Config:
    """The schema of a configuration whose judge has this name."""
    return Config(judge=WITH_FIELDS.get(str(judge), JudgeConfig)())
