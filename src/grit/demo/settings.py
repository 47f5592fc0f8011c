"""The settings of the demo."""

from grit.core.settings import PathText, Text, setting, settings


@settings
class DemoSettings:
    """``task=demo``: a page on which models are asked."""

    host: Text = setting(
        "address that it listens on; 0.0.0.0: whoever reaches this machine may ask", "127.0.0.1"
    )
    port: int = setting("0: any that is free", 7860, ge=0, le=65535)
    beside: PathText | None = setting(
        "a second model that is asked the same, named as by checkpoint; base: the first one's base "
        "model",
        None,
    )
    max_upload_mb: int = setting("size of a picture's file, megabytes", 10, ge=1, le=1000)
    time_limit_s: float = setting(
        "seconds for an upload, and for an answer: what takes longer ends", 120, gt=0
    )
    queue: int = setting("questions that wait at most; later ones are turned away", 16, ge=1)
