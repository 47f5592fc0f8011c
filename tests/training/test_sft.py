"""Few-shot supervised fine-tuning under the real Trainer."""

from learners import fit

from grit.data.shapes.source import ShapesSource
from grit.models.loading import freeze_vision, load_base
from grit.models.prompting import Prompting
from grit.training.learner import Optimization
from grit.training.sft import FewShotSFT


def test_few_shot_sft_learns_its_traces(tmp_path):
    adapter = load_base("tiny:qwen-random", seed=0)
    freeze_vision(adapter)
    adapter.model.train()
    learner = FewShotSFT(adapter, Prompting(), Optimization(max_steps=12, learning_rate=1e-2))
    losses = [row["train/loss"] for row in fit(learner, tmp_path)]
    assert losses[-1] < losses[0] - 2


def test_traces_end_as_turns_of_the_chat_do():
    """Qwen has another id that ends texts, a smaller one."""
    adapter = load_base("tiny:qwen-random", seed=0)
    end = adapter.tokenizer.eos_token_id
    adapter.plain.generation_config.eos_token_id = [end, end - 1]
    assert adapter.end_ids == {end, end - 1}
    learner = FewShotSFT(adapter, Prompting(), Optimization(max_steps=1, learning_rate=1.0))
    (trace,) = learner._group(ShapesSource("vsr", "train", 1)[0]).completions
    assert trace[-1] == end
