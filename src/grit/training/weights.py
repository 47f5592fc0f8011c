"""The weights that a learner has trained."""

from collections.abc import Mapping

from torch import Tensor

from grit.training.learner import Learner


def learnt_weights(learner: Learner) -> Mapping[str, Tensor]:
    """The trained weights, whole on rank 0; with LoRA without the base. Every rank calls it."""
    state = learner.model.state_dict()
    if hasattr(learner.model, "disable_adapter"):
        state = {name: state[name] for name in learner.trainable_names()}
    return learner.layout.weights(state)
