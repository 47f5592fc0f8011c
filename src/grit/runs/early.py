"""Checks before torch is imported, which takes ten seconds or more."""

from importlib.util import find_spec
from pathlib import Path

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.data.suites import check_sets, check_test_files
from grit.data.triplets import check_training_files
from grit.judge.making import make_judge
from grit.judge.own import OwnJudge
from grit.models.names import check_name
from grit.rewards.reward import reward_from
from grit.runs.run_record import check_run

JUDGING = ("train", "evaluate", "score", "faithfulness")


def check_early(config: Config) -> None:
    """Check named files and drawn test sets, and call the user's own judge and terms once.

    Raises:
        GritError: a file is missing, a set cannot be drawn, or a judge or term does not work; for
            the first of these.
    """
    task = config.task
    if task in JUDGING:
        judge = make_judge(config.judge)
        if isinstance(judge, OwnJudge):
            judge.probe()
    learns = task == "train" and config.method.learns
    if task == "score" or (learns and config.method.training == "grpo_gr"):
        reward_from(config.reward).rehearse()
    for name in ("input", "predictions"):
        path = getattr(config, name)
        if path is not None and not Path(path).is_file():
            raise GritError(f"{name}={path}: there is no such file")
    if config.image is not None and not Path(config.image).exists():
        raise GritError(f"image={config.image}: there is no such file or folder")
    if task in ("infer", "demo") and config.checkpoint is None:
        check_name(config.model.path)
    if task in ("train", "evaluate") and config.predictions is None:
        check_name(config.model.path)
        if learns:
            check_training_files(config.data)
        check_sets("suite", config.suite)
        check_test_files(config.suite)
        check_packages(config)
    if task in ("tables", "report"):
        check_folders(config)
    if task in ("correlation", "attention", "faithfulness"):
        for folder in config.runs:
            check_run(Path(folder))


def check_packages(config: Config) -> None:
    """Raise GritError if the package of the dashboard or of the layout is not installed."""
    trainer = config.trainer
    zero2 = trainer.strategy == "deepspeed_zero2" and trainer.devices * trainer.num_nodes > 1
    if zero2 and find_spec("deepspeed") is None:
        raise GritError(
            "trainer=deepspeed_zero2 needs the package deepspeed: "
            "pip install -c constraints.txt -e '.[deepspeed]'"
        )
    name = config.logger.name  # and its package's
    if name != "none" and find_spec(name) is None:
        raise GritError(
            f"logger={name} needs the package {name}: pip install -c constraints.txt -e "
            "'.[loggers]', or logger=none"
        )


def check_folders(config: Config) -> None:
    """Raise GritError if an entry of ``runs`` is no folder; task=tables also takes ``wandb:``."""
    for source in config.runs:
        logged = config.task == "tables" and source.startswith("wandb:")
        if not (logged or Path(source).is_dir()):
            raise GritError(f"runs: {source} is not a folder; name folders of finished runs")
