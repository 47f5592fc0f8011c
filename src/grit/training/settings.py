"""The settings of training: the method, GRPO-GR, few-shot fine-tuning, and the trainer."""

from dataclasses import replace
from typing import Any, Literal

from grit.core.settings import Text, setting, settings

Ratio = Literal["token", "sequence", "sequence_mean"]
GRPO_GR = "grpo_gr"


@settings
class MethodSettings:
    """The prompt format, and how the model is trained."""

    name: Text = setting("what results and tables call it")
    suffix: bool = setting("the GRIT suffix follows the question")
    example: bool = setting("one worked example follows the suffix")
    tagged_answer: bool = setting("the answer stands behind <answer>; else it is all of the text")
    training: Literal["none", "grpo_gr", "sft"] = setting("how it trains")

    @property
    def learns(self) -> bool:
        """Whether the method trains weights."""
        return self.training != "none"


@settings
class AdvantageSettings:
    """The advantage; the defaults are equation 1."""

    delta: float = setting("added to a standard deviation", 1e-8, ge=0)
    sample_std: bool = setting("divide by N - 1 instead of N", False)
    baseline: Literal["mean", "leave_one_out"] = setting(
        "what is subtracted from a reward: its group's mean, or that of the others (RLOO)", "mean"
    )
    scale: Literal["group", "batch", "none"] = setting(
        "whose standard deviation it is divided by (TRL's scale_rewards)", "group"
    )
    by_term: bool = setting(
        "every reward term is normalised in its group, then their sum in the batch (GDPO)", False
    )


@settings
class ObjectiveSettings:
    """Objectives other than GRPO-GR's, which is what the defaults give."""

    name: Text = setting("what tables call it", GRPO_GR, changes_results=False)
    surrogate: Literal["clipped", "cispo", "sapo"] = setting(
        "what ratio and advantage make: equation 3's minimum, CISPO's weighted log-probability, or "
        "SAPO's soft gate",
        "clipped",
    )
    epsilon_high: float | None = setting(
        "upper half-width of the clipping interval (clip-higher); null: as training.epsilon",
        None,
        ge=0,
    )
    ratio_limit: float | None = setting(
        "largest ratio where the advantage is negative (two-sided clipping, TRL's delta); of cispo "
        "the largest ratio; null: none",
        None,
        gt=0,
    )
    sapo_positive: float = setting("temperature of sapo where the advantage is above 0", 1.0, gt=0)
    sapo_negative: float = setting("and where it is not", 1.05, gt=0)
    aggregation: Literal["sequence_mean", "token_mean", "fixed_length"] = setting(
        "how tokens are summed: each completion's mean (GRPO), the mean over all tokens of the "
        "step (DAPO), or their sum by rollout.sampling.max_new_tokens (Dr. GRPO)",
        "sequence_mean",
    )
    beta_schedule: Literal["constant", "cosine"] = setting(
        "weight of the KL term over the steps: cosine falls to 0", "constant"
    )
    mask_truncated: bool = setting(
        "completions cut off at rollout.sampling.max_new_tokens have no share in the loss", False
    )
    overlong_share: float = setting(
        "last share of rollout.sampling.max_new_tokens over which a penalty rises to 1; 0: none",
        0.0,
        ge=0,
        le=1,
    )
    dynamic_sampling: int = setting(
        "how often groups with equal rewards are replaced by further prompts; 0: they stay", 0, ge=0
    )
    difficulty_weight: bool = setting(
        "a group's loss is multiplied by exp(1 - mean IoU with the annotated boxes)", False
    )


@settings
class PerceptionSettings:
    """Terms that make a chain depend on the image: PAPO and VPPO."""

    gamma: float = setting("weight of PAPO's term; 0: without", 0.0, ge=0)
    entropy: float = setting(
        "weight of PAPO's penalty of entropy, -log pi of the sampled tokens; at one update a "
        "rollout it is noise, with no effect on average",
        0.0,
        ge=0,
    )
    top_share: float | None = setting(
        "share of a completion's tokens that keep their advantage (VPPO); null: all",
        None,
        gt=0,
        le=1,
    )
    least_scale: float = setting(
        "of the advantage of the completion that depends least on the image (VPPO)", 0.9, gt=0, le=1
    )
    blanked: float = setting("share of the image's patches that are blanked", 0.6, gt=0, le=1)
    patch: int = setting("side of a patch in pixels", 14, ge=1)

    @property
    def active(self) -> bool:
        """Whether any of the terms is used."""
        return self.gamma > 0 or self.entropy > 0 or self.top_share is not None


@settings
class SFTSettings:
    """The settings of few-shot supervised fine-tuning that GRPO-GR does not share."""

    steps: int = setting("optimiser steps", ge=1)
    learning_rate: float = setting("of AdamW; after the warm-up it falls to 0 by a cosine", gt=0)
    traces: Literal["plain", "sentences", "family"] = setting(
        'how what is taught is written: as the miniature does ("red circle [5, 6, 20, 22]"), in '
        "English sentences with the same boxes, or in English with boxes as the model's family "
        "writes them",
        "family",
    )
    unannotated: Literal["without_boxes", "leave_out"] = setting(
        "rows without annotated boxes: taught by a trace that says what to look for and has "
        "no box, as GRPO-GR learns from all triplets too; or left out, so that all chains are "
        "grounded, from fewer rows (of TallyQA's own train.json none is left)",
        "without_boxes",
    )


@settings
class TrainingSettings:
    """GRPO-GR, and the settings that supervised fine-tuning shares with it."""

    steps: int = setting(
        "rollouts, each followed by training.updates_per_rollout optimiser steps",
        ge=1,
        of="grpo_gr",
    )
    needs: dict[Text, Any] = setting(
        "what a preset asks of the model, the trainer and the rollout, where the command line says "
        "nothing: adaptation, dtype, freeze_vision; precision; temperature, top_k, max_new_tokens, "
        "tokens_per_batch",
        dict,
    )
    sft: SFTSettings = setting("", of="sft")
    prompts_per_step: int = setting("prompts of a step, of all ranks together", 32, ge=1)
    group_size: int = setting("completions of a prompt, N", 4, ge=2, of="grpo_gr")
    learning_rate: float = setting(
        "of AdamW; after the warm-up it falls to 0 by a cosine", gt=0, of="grpo_gr"
    )
    warmup_steps: int = setting("over which the learning rate rises to its value", 0, ge=0)
    weight_decay: float = setting("of AdamW", 0.0, ge=0)
    clip_norm: float = setting("gradients are scaled down to this norm", 1.0, gt=0)
    beta: float = setting("weight of the KL term", 0.01, ge=0, of="grpo_gr")
    epsilon: float = setting(
        "half the width of the ratio's clipping interval", 0.2, ge=0, of="grpo_gr"
    )
    ratio: Ratio = setting(
        "what the importance ratio is taken over: each token, a completion as equation 3 has it, "
        "or the geometric mean of its tokens (GSPO)",
        "token",
        of="grpo_gr",
    )
    advantage: AdvantageSettings = setting("", AdvantageSettings, of="grpo_gr")
    objective: ObjectiveSettings = setting("", ObjectiveSettings, of="grpo_gr")
    perception: PerceptionSettings = setting("", PerceptionSettings, of="grpo_gr")
    updates_per_rollout: int = setting(
        "optimiser steps on the completions of a rollout", 1, ge=1, of="grpo_gr"
    )
    logp_temperature: float | None = setting(
        "at which log-probabilities are taken; null: at the sampling temperature. Released code: 1",
        None,
        gt=0,
        of="grpo_gr",
    )
    append_eos: bool = setting(
        "an end-of-sequence token follows a completion that ended by </answer>, and is learnt (as "
        "in the released code)",
        False,
        of="grpo_gr",
    )
    must_learn: bool = setting(
        "a run in which no step learnt anything ends with exit code 1", True, changes_results=False
    )
    # Speed: turning it off changes results only by rounding.
    share_prompt: bool = setting("update: one row a prompt instead of one a completion", True)
    # Memory: what a run that ended for want of it goes on with is lowered.
    tokens_per_pass: int = setting(
        "tokens of a forward pass of the update (a micro-batch)",
        16384,
        ge=1,
        changes_results=False,
    )
    tokens_per_chunk: int = setting(
        "completion tokens whose logits are in memory at a time; 0: all, until the backward pass",
        256,
        ge=0,
        changes_results=False,
    )
    feature_cache_mib: int = setting(
        "MiB of image features of a frozen vision tower that are kept; 0: none",
        1024,
        ge=0,
        changes_results=False,
    )

    @property
    def objective_label(self) -> str:
        """The objective's name in results, with a mark where parts of it were changed one by one.

        Results of an objective that is not GRPO-GR have no place beside the paper's. How the
        standard deviation is taken, and the sizes of epsilon and beta, are not counted as parts.
        """
        if self.objective.name != GRPO_GR:
            return self.objective.name
        advantage = replace(self.advantage, delta=0.0, sample_std=False)
        parts = advantage, self.objective, self.perception
        own = AdvantageSettings(delta=0.0), ObjectiveSettings(), PerceptionSettings()
        is_own = parts == own and self.ratio != "sequence_mean"  # equation 3, or the released code
        return GRPO_GR if is_own else f"{GRPO_GR}, changed"


@settings
class TrainerSettings:
    """Devices, precision and length of training (pytorch-lightning)."""

    max_steps: int = setting("steps; follows training.steps", ge=1)
    accelerator: Literal["auto", "cpu", "gpu"] = setting(
        "auto is the GPU where there is one", "auto", changes_results=False
    )
    devices: int = setting("processes of each node", 1, ge=1, changes_results=False)
    num_nodes: int = setting("machines", 1, ge=1, changes_results=False)
    strategy: Literal["auto", "ddp", "zero1", "fsdp", "deepspeed_zero2"] = setting(
        "how weights and optimiser states lie on several devices", "auto", changes_results=False
    )
    # There is no loss scaling, so no float16.
    precision: Literal["32-true", "bf16-mixed"] = setting("of forward and backward", "32-true")
    checkpoint_every: int = setting("steps between checkpoints", 50, ge=1, changes_results=False)
    stop_within: float = setting(
        "seconds that Ctrl-C or SIGTERM gives the step under way to end",
        25.0,
        gt=0,
        changes_results=False,
    )
    max_silence: float = setting(
        "seconds that processes wait for one that does not answer: the first may ask a judge about "
        "a test suite meanwhile",
        14400.0,
        gt=0,
        changes_results=False,
    )
    progress_bar: bool = setting(
        "while training, evaluating and downloading", True, changes_results=False
    )
