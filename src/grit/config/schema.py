"""The schema of a run's configuration: the settings of all rooms together.

The composed configuration is checked against these classes, so that a misspelt key or a wrong type,
also inside a YAML file, ends the run with one line before anything starts.
"""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from grit.core.settings import PathText, Text, setting, settings
from grit.data.preparation.settings import PreparationSettings
from grit.data.settings import DataSettings, SuiteSettings
from grit.demo.settings import DemoSettings
from grit.evaluation.settings import EvaluationSettings
from grit.inference.settings import ExportSettings
from grit.judge.settings import (
    OWN,
    SERVICE,
    JudgeSettings,
    OwnJudgeSettings,
    ServiceJudgeSettings,
)
from grit.models.settings import ModelSettings
from grit.pretraining.settings import PretrainSettings
from grit.rewards.settings import RewardSettings
from grit.rollout.settings import RolloutSettings
from grit.studies.settings import (
    AttentionSettings,
    CorrelationSettings,
    FaithfulnessSettings,
)
from grit.tracking.settings import LoggerSettings
from grit.training.settings import MethodSettings, TrainerSettings, TrainingSettings

Task = Literal[
    "train",
    "evaluate",
    "score",
    "check",
    "pretrain",
    "data",
    "tables",
    "report",
    "correlation",
    "attention",
    "faithfulness",
    "infer",
    "demo",
    "export",
]
Exhibit = Literal[
    "table1", "table2", "table3", "figure4", "figure5", "figure6", "faithfulness", "methods"
]

_ANY_JUDGE = "judge"  # tag of judges whose only field is `name`


def _kind_of_judge(judge: Any) -> str:
    name = judge.get("name") if isinstance(judge, dict) else getattr(judge, "name", None)
    return name if name in (OWN, SERVICE) else _ANY_JUDGE


AnyJudge = Annotated[
    Annotated[JudgeSettings, Tag(_ANY_JUDGE)]
    | Annotated[OwnJudgeSettings, Tag(OWN)]
    | Annotated[ServiceJudgeSettings, Tag(SERVICE)],
    Discriminator(_kind_of_judge),
]


@settings
class FigureSettings:
    """How an experiment's figures are measured."""

    seed: int = setting("of which chains are drawn, and of random boxes and controls")
    exhibits: list[Exhibit] = setting("which tables and figures are asked for")
    judge: AnyJudge
    suite: SuiteSettings
    rollout: RolloutSettings
    correlation: CorrelationSettings
    attention: AttentionSettings
    faithfulness: FaithfulnessSettings

    @classmethod
    def of(cls, config: "Config") -> "FigureSettings":
        """The figure settings of a whole configuration."""
        return cls(**{each.name: getattr(config, each.name) for each in fields(cls)})


@settings
class CheckSettings:
    """``task=check``: an estimate of a run's memory, time and prompts, before it is started."""

    gpu: Text = setting("whose peaks seconds are estimated from, see training/costs.py", "H100")
    rows: int = setting("prompts that are shown", 2, ge=1)
    weights: bool = setting("load the model too", False)


@settings
class Config:
    """The configuration of a run."""

    task: Task = setting("what `python -m grit` does", "train")
    seed: int = setting("random seed of the prompts' order and of sampling", 0)
    resume: bool = setting(
        "go on with hydra.run.dir, or with the newest unfinished run like this one",
        False,
        changes_results=False,
    )
    threads: int | None = setting(
        "CPU threads; null: torch's own choice", None, ge=1, changes_results=False
    )
    checkpoint: PathText | None = setting(
        "task=evaluate, infer, demo, export: trained weights: a .ckpt file, a folder with an "
        "adapter or a model, a run's folder, or a Hub id, ORG/NAME or ORG/NAME@REVISION",
        None,
    )
    predictions: PathText | None = setting(
        "task=evaluate: predictions made anywhere: JSONL, or a file of lmms-eval or VLMEvalKit",
        None,
    )
    input: PathText | None = setting(
        "task=score: completions, JSONL; task=infer: rows with image and question, JSONL",
        None,
        changes_results=False,
    )
    output: PathText | None = setting(
        "task=score: where the scored rows go; task=export: the folder; null: model/ of the run's",
        None,
        changes_results=False,
    )
    push: Text | None = setting(
        "task=export: upload to this repository of the Hub, ORG/NAME, with the token of HF_TOKEN",
        None,
        changes_results=False,
    )
    image: PathText | None = setting(
        "task=infer: an image, a folder of images, or the folder of input's images; null: a drawn "
        "scene",
        None,
        changes_results=False,
    )
    question: Text | None = setting(
        "task=infer: what to ask about each image", None, changes_results=False
    )
    samples: int = setting(
        "task=infer: answers to each question; 1: the greedy one, else drawn at "
        "evaluation.temperature",
        1,
        ge=1,
        changes_results=False,
    )
    runs: list[PathText] = setting(
        "folders of finished runs, or of many; task=tables: also wandb:ENTITY/PROJECT",
        list,
        changes_results=False,
    )
    exhibits: list[Exhibit] = setting(
        "tables and figures to make of runs; task=tables: [] is what they allow",
        list,
        changes_results=False,
    )
    model: ModelSettings
    data: DataSettings
    method: MethodSettings
    reward: RewardSettings
    judge: AnyJudge
    suite: SuiteSettings
    training: TrainingSettings
    rollout: RolloutSettings
    evaluation: EvaluationSettings
    validation: SuiteSettings = setting("", changes_results=False)
    trainer: TrainerSettings
    logger: LoggerSettings = setting("", changes_results=False)
    # What `pretrain` makes, a base model, is in the fingerprints by its weights.
    pretrain: PretrainSettings = setting("", PretrainSettings, changes_results=False)
    preparation: PreparationSettings = setting("", PreparationSettings, changes_results=False)
    export: ExportSettings = setting("", ExportSettings, changes_results=False)
    demo: DemoSettings = setting("", DemoSettings, changes_results=False)
    check: CheckSettings = setting("", CheckSettings, changes_results=False)
    correlation: CorrelationSettings = setting("", CorrelationSettings, changes_results=False)
    attention: AttentionSettings = setting("", AttentionSettings, changes_results=False)
    faithfulness: FaithfulnessSettings = setting("", FaithfulnessSettings, changes_results=False)
    experiment: Any = setting(
        "a file of experiments/experiment takes its place", None, changes_results=False
    )
