from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from pytorch_lightning.callbacks import Callback

from grit.core.errors import GritError
from grit.data.datamodule import Batch, PromptModule
from grit.data.ordering import DrawOrder
from grit.data.samples import Sample
from grit.grounding.boxes import Space

# Lightning 2.6 asks torch 2.15 for a pytree type in a way that torch has deprecated.
pytestmark = pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\)`:FutureWarning")


class Plain:
    key = "plain"

    def load(self) -> Image.Image:
        return Image.new("RGB", (1, 1))


SAMPLES = [Sample(f"x/{i}", "?", str(i), "x", Plain(), Space("original", 1, 1)) for i in range(5)]
STEPS, PROMPTS, SEED = 9, 4, 2
WHOLE = [
    [(SAMPLES[draw.sample].id, draw.epoch) for draw in draws]
    for draws in DrawOrder(len(SAMPLES), PROMPTS, SEED).steps(0, STEPS)
]


class Recorder(pl.LightningModule):
    """Notes the prompts of every step it finishes; takes an optimiser step only in some."""

    automatic_optimization = False

    def __init__(self, stop_in: int | None = None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[int, list[tuple[str, int]]]] = []
        self.stop_in = stop_in

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        if batch_idx == self.stop_in:
            raise KeyboardInterrupt
        if batch_idx % 3:  # a step without a gradient must not lose the place
            self.optimizers().step()
        self.seen.append((batch_idx, [(sample.id, epoch) for sample, epoch in batch]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class SaveAndStop(Callback):
    """Writes a checkpoint at the end of every step, and stops after ``steps`` of them."""

    def __init__(self, path: Path, steps: int) -> None:
        self.path, self.steps = path, steps

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx) -> None:
        trainer.save_checkpoint(self.path)
        trainer.should_stop = batch_idx + 1 == self.steps


def fit(
    folder: Path,
    *callbacks: Callback,
    stop_in: int | None = None,
    resume: Path | None = None,
    steps: int = STEPS,
) -> list[tuple[int, list[tuple[str, int]]]]:
    module = Recorder(stop_in)
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
        log_every_n_steps=1,
        callbacks=list(callbacks),
    )
    data = PromptModule(SAMPLES, prompts_per_step=PROMPTS, max_steps=steps, seed=SEED)
    try:
        trainer.fit(module, datamodule=data, ckpt_path=resume)
    except (KeyboardInterrupt, SystemExit):
        trainer.save_checkpoint(folder / "interrupted.ckpt")
    return module.seen


def numbered(first: int) -> list[tuple[int, list[tuple[str, int]]]]:
    return list(enumerate(WHOLE))[first:]


def test_the_steps_of_a_whole_training(tmp_path: Path) -> None:
    assert fit(tmp_path) == numbered(0)


@pytest.mark.parametrize("done", [1, 4, 8, STEPS])
def test_a_checkpoint_of_a_steps_end_goes_on_with_the_next(tmp_path: Path, done: int) -> None:
    checkpoint = tmp_path / "step.ckpt"
    assert fit(tmp_path, SaveAndStop(checkpoint, done)) == numbered(0)[:done]
    assert fit(tmp_path, resume=checkpoint) == numbered(done)


def test_an_unfinished_training_may_be_prolonged_and_a_finished_one_says_no(tmp_path: Path) -> None:
    checkpoint = tmp_path / "step.ckpt"
    fit(tmp_path, SaveAndStop(checkpoint, 5), steps=6)
    assert fit(tmp_path, resume=checkpoint) == numbered(5)
    fit(tmp_path, SaveAndStop(checkpoint, 6), steps=6)
    with pytest.raises(GritError, match="training of 6 steps is finished"):
        fit(tmp_path, resume=checkpoint)


@pytest.mark.parametrize("stop_in", [0, 3, 8])
def test_an_interrupted_step_is_done_again(tmp_path: Path, stop_in: int) -> None:
    first = fit(tmp_path, stop_in=stop_in)
    assert first == numbered(0)[:stop_in]
    assert fit(tmp_path, resume=tmp_path / "interrupted.ckpt") == numbered(stop_in)


def test_a_training_resumed_twice_is_the_training(tmp_path: Path) -> None:
    seen = fit(tmp_path, stop_in=2)
    seen += fit(tmp_path, stop_in=6, resume=tmp_path / "interrupted.ckpt")
    seen += fit(tmp_path, resume=tmp_path / "interrupted.ckpt")
    assert seen == numbered(0)


@pytest.mark.parametrize("change", ["samples", "seed", "prompts_per_step", "content"])
def test_a_checkpoint_of_other_data_is_refused(change: str) -> None:
    def module(samples: list[Sample], prompts: int = 4, seed: int = 1) -> PromptModule:
        return PromptModule(samples, prompts_per_step=prompts, max_steps=2, seed=seed)

    state = module(SAMPLES).state_dict()
    module(SAMPLES).load_state_dict(state)
    other = {
        "samples": lambda: module(SAMPLES[1:]),
        "seed": lambda: module(SAMPLES, seed=2),
        "prompts_per_step": lambda: module(SAMPLES, prompts=5),
        "content": lambda: module(SAMPLES[::-1]),
    }[change]()
    with pytest.raises(GritError, match=f"differs from this run's: {change} was"):
        other.load_state_dict(state)


def test_no_sample_is_an_error() -> None:
    with pytest.raises(GritError, match="no sample to train on"):
        PromptModule([], prompts_per_step=4, max_steps=2, seed=1)
