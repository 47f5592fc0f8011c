"""The settings of logging."""

from typing import Literal

from grit.core.settings import Text, setting, settings


@settings
class LoggerSettings:
    """Where metrics are logged besides the run's folder."""

    name: Literal["wandb", "tensorboard", "trackio", "none"] = setting(
        "where metrics go besides the run's folder"
    )
    project: Text = setting("of W&B and trackio", "grit")
    entity: Text | None = setting("of W&B: a user or a team; null: the key's own", None)
    mode: Literal["auto", "online", "offline", "disabled"] = setting(
        "of W&B; auto: online where WANDB_API_KEY is set, else offline", "auto"
    )
    sample_every: int = setting("steps between logged completions", 10, ge=1)
    rows: int = setting(
        "rows of each test set in the table of evaluation rows; TensorBoard has pictures of 6",
        40,
        ge=0,
    )
    group: Text | None = setting(
        "of W&B and trackio: what runs are gathered by; null: the experiment", None
    )
    tags: list[Text] = setting("of W&B: besides model, data, method, reward, judge", list)
