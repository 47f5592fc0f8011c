"""The settings of the rollout: the engine, how it samples, and how it decodes."""

from typing import Literal

from grit.core.settings import PathText, Text, setting, settings

DecodeMode = Literal["auto", "dynamic", "static", "captured"]
"""How a decode step runs: ``dynamic`` with transformers' growing cache, ``static`` with buffers of
fixed shapes, ``captured`` as CUDA graphs of the static step (NVIDIA GPUs only). ``auto`` is
``captured`` on a GPU if the model is not sharded and does not use flash_attention_2, else
``dynamic``."""
LARGEST_LORA = 512  # the highest rank that vLLM serves


@settings
class Sampling:
    """How completions are drawn."""

    temperature: float = setting(
        "that logits are divided by; training needs one above 0", 1.0, ge=0
    )
    top_p: float = setting(
        "keep the likeliest tokens that together have this probability", 1.0, gt=0, le=1
    )
    top_k: int = setting("keep so many of the likeliest tokens; 0: all", 0, ge=0)
    max_new_tokens: int = setting("a completion that reaches it is truncated", 1000, ge=1)

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is taken each time."""
        return self.temperature == 0


GREEDY = Sampling(temperature=0.0)


@settings
class RolloutSettings:
    """The engine that completes prompts, in training and in evaluation."""

    name: Literal["native", "vllm"] = setting("the engine", "native")
    sampling: Sampling = setting("", Sampling, of="grpo_gr")
    # native. Speed: turning any of these off changes results only by rounding.
    share_prefill: bool = setting("one prefill a prompt instead of one a completion", True)
    compact: bool = setting("completions that have ended leave the batch", True)
    decode: DecodeMode = setting(
        "with a growing cache (dynamic), with buffers of fixed shapes (static), those as CUDA "
        "graphs (captured; NVIDIA GPUs only); auto: captured where that works, else dynamic",
        "auto",
    )
    tokens_per_batch: int = setting(
        "tokens of the prompts and completions that are sampled in one batch",
        65536,
        ge=1,
        changes_results=False,
    )
    merge_lora: bool = setting(
        "sample from adapters merged into the base's weights: fewer kernels a decode step; their "
        "rounding is corrected as another engine's is",
        False,
    )
    # vllm, and native with merge_lora
    importance_cap: float | None = setting(
        "a token's loss is multiplied by pi_policy / pi_engine, at most this (TRL's "
        "vllm_importance_sampling_cap); null: not corrected",
        2.0,
        gt=0,
        of="grpo_gr",
    )
    urls: list[Text] = setting(
        "servers, which share the prompts: http://HOST:PORT", list, changes_results=False
    )
    launch: bool = setting(
        "where urls names none: the run starts a server on this machine, and ends it",
        False,
        changes_results=False,
    )
    python: PathText | None = setting(
        "launch: the interpreter of the environment that vLLM is installed in; null: the run's own",
        None,
        changes_results=False,
    )
    gpus: Text | None = setting(
        "launch: CUDA_VISIBLE_DEVICES of the server; null: that of the run",
        None,
        changes_results=False,
    )
    server_options: list[Text] = setting(
        "launch: further words of the server's command, as [--tensor-parallel-size,2]", list
    )
    start_within: float = setting(
        "launch: seconds until the server answers", 600.0, gt=0, changes_results=False
    )
    timeout: float = setting(
        "seconds that a server may take for an answer", 600.0, gt=0, changes_results=False
    )
    weights_folder: PathText | None = setting(
        "where weights are written for servers on other machines, a folder that they see too; "
        "null: the memory of this machine",
        None,
        changes_results=False,
    )
