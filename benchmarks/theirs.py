"""A step of TRL's GRPOTrainer on the same model, prompts, images and optimiser."""

import tempfile
import time
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from benchmarks.ours import make_learn
from benchmarks.shape import Shape, make_adapter, reward_of, samples
from grit.models.prompting import Prompting


class Clock(TrainerCallback):
    """When steps begin and end."""

    def __init__(self) -> None:
        self.began = 0.0
        self.steps: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """A step begins."""
        self.began = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """A step has ended, its optimiser's update included."""
        self.steps.append(time.perf_counter() - self.began)


class TimedTrainer(GRPOTrainer):
    """Remembers how long each rollout took, and how many tokens it made."""

    rollouts: list[tuple[float, int]]

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        began = time.perf_counter()
        batch = super()._generate_and_score_completions(inputs)
        tokens = int(batch["completion_mask"].sum())  # waits for a GPU too
        self.rollouts.append((time.perf_counter() - began, tokens))
        return batch


def measure(shape: Shape, parts: dict[str, Any]) -> list[dict[str, float]]:
    """Seconds of each measured step; with ``vllm`` in ``parts``, vLLM samples in this process."""
    adapter = make_adapter(shape)
    make_learn(adapter, shape)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        if shape.beta and not shape.lora:  # TRL loads a reference from where the model came from
            adapter.model.save_pretrained(f"{folder}/model")
            adapter.model.config._name_or_path = f"{folder}/model"
        if parts.get("vllm"):  # loads the base itself
            make_adapter(shape).model.save_pretrained(f"{folder}/base")
            adapter.processor.save_pretrained(f"{folder}/base")
            adapter.plain.config._name_or_path = f"{folder}/base"
        trainer = TimedTrainer(
            model=adapter.model,
            reward_funcs=cheap,
            args=settings(shape, folder, vllm=parts.get("vllm", False)),
            train_dataset=dataset(shape, adapter),
            processing_class=adapter.processor,
            callbacks=[clock],
        )
        trainer.rollouts = []
        trainer.train()
    return [
        {"rollout": rollout, "update": step - rollout, "step": step, "tokens": tokens}
        for step, (rollout, tokens) in zip(clock.steps, trainer.rollouts, strict=True)
    ][shape.warmup :]


def cheap(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """The same reward as ours."""
    return [reward_of(ids) for ids in completion_ids]


def dataset(shape: Shape, adapter: Any) -> Dataset:
    """The same prompts, in the same order, as TRL takes them."""
    rows = [
        {
            "prompt": [{"role": "user", "content": Prompting().text(sample.question, adapter)}],
            "image": sample.picture.load(),
        }
        for sample in samples(shape)
    ]
    return Dataset.from_list(rows)


def settings(shape: Shape, folder: str, *, vllm: bool = False) -> GRPOConfig:
    """TRL's settings; as many groups at a time as the shape says."""
    on_gpu = shape.device == "cuda"
    return GRPOConfig(
        output_dir=folder,
        per_device_train_batch_size=shape.group_size * shape.groups_per_pass,
        gradient_accumulation_steps=shape.prompts // shape.groups_per_pass,
        num_generations=shape.group_size,
        max_completion_length=shape.completion,
        # completions of a fixed length
        generation_kwargs={"min_tokens" if vllm else "min_new_tokens": shape.completion},
        use_vllm=vllm,
        vllm_mode="colocate",
        vllm_gpu_memory_utilization=0.3,
        max_steps=shape.warmup + shape.steps,
        learning_rate=1e-6,
        optim="adamw_torch",
        lr_scheduler_type="cosine",
        weight_decay=0.0,
        max_grad_norm=1.0,
        beta=shape.beta,
        loss_type="grpo",
        bf16=on_gpu,
        use_cpu=not on_gpu,
        gradient_checkpointing=shape.checkpointing,
        shuffle_dataset=False,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
