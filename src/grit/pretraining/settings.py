"""The settings of the course that makes a tiny base model."""

from grit.core.settings import setting, settings


@settings
class PretrainSettings:
    """The course of a tiny base model; ``conf/pretrain`` has what a family needs otherwise.

    Steps after the first stage are of 8 images and their turns. Rates are Muon's.
    """

    vision_steps: int = setting("of 32 images, with dense heads on the vision part", 2000, ge=1)
    pairs_steps: int = setting("on scenes of few things: what a question means", 1200, ge=1)
    drill_share: float = setting("of the steps that the drills name", 1.0, gt=0)
    beside_steps: int = setting("what is found from another thing, and boxes", 1000, ge=1)
    scenes_steps: int = setting("all question kinds on scenes of one to nine things", 2600, ge=1)
    leading_steps: int = setting("ideal traces that lead from one thing to another", 800, ge=1)
    chains_steps: int = setting("ideal traces above all", 1000, ge=1)
    counts_steps: int = setting("how many there are", 1500, ge=1)
    habits_steps: int = setting("the unreliable mixture under GRIT's suffix", 1500, ge=1)
    finish_steps: int = setting("the same, with more short answers", 1200, ge=1)
    pool: int = setting("scenes from the scenes stage on, but for leading and counts", 7000, ge=1)
    small_pool: int = setting("scenes of the pairs stage and the drills", 2000, ge=1)
    beside_pool: int = setting("scenes of the beside and leading stages", 2000, ge=1)
    counts_pool: int = setting("scenes of the counts stage", 7000, ge=1)
    first_rate: float = setting("in the pairs stage", 3e-3, gt=0)
    drill_rate: float = setting("in the drills and the chains stage", 1e-3, gt=0)
    rate: float = setting("in the beside, scenes, leading and counts stages", 1.5e-3, gt=0)
    habits_rate: float = setting("in the habits and finish stages", 8e-4, gt=0)
    quality_rows: int = setting(
        "questions of each kind in the final measurement; 0: none", 600, ge=0
    )
    checkpoint_seconds: float = setting("between checkpoints", 180.0, gt=0)
