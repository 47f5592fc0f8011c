"""The settings of the course that makes a tiny base model."""

from grit.core.settings import setting, settings

IMAGES = 8  # per step after the first stage, of different scenes of a pool


@settings
class PretrainSettings:
    """The course of a tiny base model; ``conf/pretrain`` has what a family needs otherwise.

    Steps after the first stage are of 8 images and their turns. Rates are Muon's.
    """

    vision_steps: int = setting("of 32 images, with dense heads on the vision part", 2000, ge=1)
    vision: str = setting(
        "folder of a model of this family, or its name as in `model.path`, whose vision part is "
        "taken instead of training one; empty: trained",
        "",
    )
    pairs_steps: int = setting("on scenes of few things: what a question means", 1000, ge=1)
    grounding_steps: int = setting("boxes, and ideal traces of all kinds", 3000, ge=1)
    leading_steps: int = setting("ideal traces that lead from one thing to another", 1000, ge=1)
    chains_steps: int = setting("ideal traces above all", 1500, ge=1)
    answers_steps: int = setting("the same, with answers at once to such questions", 400, ge=1)
    habits_steps: int = setting("the unreliable mixture under GRIT's suffix", 1500, ge=1)
    pool: int = setting("scenes of the stages from grounding on, but for leading", 14000, ge=IMAGES)
    small_pool: int = setting("scenes of the pairs stage", 2000, ge=IMAGES)
    leading_pool: int = setting("scenes of the leading stage", 7000, ge=IMAGES)
    first_rate: float = setting("in the pairs stage", 3e-3, gt=0)
    rate: float = setting("in the grounding and leading stages", 1.5e-3, gt=0)
    chains_rate: float = setting("in the chains and answers stages", 1e-3, gt=0)
    habits_rate: float = setting("in the habits stage", 8e-4, gt=0)
    quality_rows: int = setting(
        "questions of each kind in the final measurement; 0: none", 600, ge=0
    )
    checkpoint_seconds: float = setting("between checkpoints", 180.0, gt=0)
