"""The settings of training: GRPO-GR, its rollout, and few-shot supervised fine-tuning."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from grit.judge.settings import MISSING


class Traces(StrEnum):
    """In which hand supervised fine-tuning writes its traces."""

    plain = "plain"  # the miniature's: "red circle [5, 6, 20, 22]"
    family = "family"  # English, and boxes as the model's family writes them


class Unannotated(StrEnum):
    """What supervised fine-tuning does with rows that nobody has put boxes into."""

    without_boxes = "without_boxes"  # a trace that says what to look for, and has no box
    leave_out = "leave_out"


class Ratio(StrEnum):
    """What the importance ratio of equation 3 is taken over."""

    token = "token"
    sequence = "sequence"


class Decode(StrEnum):
    """How the rows of a rollout take a step together."""

    auto = "auto"  # captured on a GPU with all weights, without flash_attention_2; else dynamic
    dynamic = "dynamic"  # transformers' growing cache
    static = "static"  # buffers of fixed shapes, without more: what the next two start from
    captured = "captured"  # the static step as CUDA graphs; NVIDIA GPUs only
    compiled = "compiled"  # the static step through torch.compile, on a GPU as CUDA graphs


@dataclass
class SamplingConfig:
    """How completions are drawn."""

    temperature: float = 1.0
    top_p: float = 1.0  # keep the likeliest tokens that together have this probability
    top_k: int = 0  # keep so many of the likeliest tokens; 0: all
    max_new_tokens: int = 1000  # of a completion


@dataclass
class AdvantageConfig:
    """Equation 1."""

    delta: float = 1e-8  # added to a group's standard deviation
    sample_std: bool = False  # divide by N - 1 instead of N


@dataclass
class SFTConfig:
    """What few-shot supervised fine-tuning does otherwise than GRPO-GR."""

    steps: int = MISSING  # optimiser steps
    learning_rate: float = MISSING  # of AdamW, after the warm-up
    traces: Traces = Traces.family  # how what is taught is written
    # without_boxes: the answers of all triplets are learnt, as GRPO-GR learns from all of them, at
    # the cost of teaching some chains without boxes; leave_out: only grounded chains, from fewer
    # rows (of TallyQA's own train.json none is left)
    unannotated: Unannotated = Unannotated.without_boxes


@dataclass
class TrainingConfig:
    """GRPO-GR, and what supervised fine-tuning shares with it."""

    steps: int = MISSING  # optimiser steps
    # What a preset asks of a large model and its trainer, where the command line says nothing:
    # adaptation, dtype, freeze_vision, precision.
    needs: dict[str, Any] = field(default_factory=dict)
    sft: SFTConfig = field(default_factory=SFTConfig)
    prompts_per_step: int = 32  # of all ranks together
    group_size: int = 4  # completions of a prompt, N
    learning_rate: float = MISSING  # of AdamW, after the warm-up
    warmup_steps: int = 0  # over which the learning rate rises to its value
    weight_decay: float = 0.0  # of AdamW
    clip_norm: float = 1.0  # the gradient's norm is scaled down to it
    beta: float = 0.01  # weight of the KL term
    epsilon: float = 0.2  # half the width of the ratio's clipping interval
    ratio: Ratio = Ratio.token  # taken over each token, or over a completion (equation 3)
    advantage: AdvantageConfig = field(default_factory=AdvantageConfig)
    updates_per_rollout: int = 1  # optimiser steps on the completions of a step
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    # At which log-probabilities are taken; null: at the sampling temperature. Released code: 1.
    logp_temperature: float | None = None
    # An end-of-sequence token follows a completion that ended by </answer>, and is learnt (code).
    append_eos: bool = False
    must_learn: bool = True  # a run in which no step learnt anything ends with exit code 1
    # Speed: results are the same to rounding with each of these off.
    share_prompt: bool = True  # update: one row a prompt instead of one a completion
    share_prefill: bool = True  # rollout: one prefill a prompt instead of one a completion
    compact_rollout: bool = True  # completions that have ended leave the batch
    # rollout: dynamic, static, captured (CUDA graphs; NVIDIA GPUs only), compiled (torch.compile;
    # minutes for a large model) or auto: captured where the step can be, else dynamic
    decode: Decode = Decode.auto
    tokens_per_rollout_batch: int = 65536  # prompts and completions that are sampled together
    tokens_per_pass: int = 16384  # of a forward pass of the update: a micro-batch
    tokens_per_chunk: int = 256  # whose logits are alive at a time; 0: of all, until the backward
    feature_cache_mib: int = 1024  # image features of a frozen vision tower that are kept; 0: none
