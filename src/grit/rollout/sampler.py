"""N completions of each prompt, with one vision pass and one prefill whose cache is repeated.

Shapes: G prompts, N completions of each, B = G * N rows, P prompt tokens, V vocabulary.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor
from torch.distributed.fsdp import FSDPModule
from transformers import DynamicCache

from grit.core.errors import GritError
from grit.core.memory import hint_on_oom
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.lora import merged_lora
from grit.rollout.choice import choose
from grit.rollout.decoding import Decoding, DynamicDecoding, Prefilled
from grit.rollout.engine import Completion, Ending, Engine, Watch, Weights
from grit.rollout.settings import DecodeMode, Sampling
from grit.rollout.static_decoding import Captured, StaticDecoding, Stepper


@dataclass(eq=False)
class Sampler(Engine):
    """The suite's own engine: samples from an adapter's model, in its process.

    Batches have at most ``tokens_per_batch`` tokens.
    Turning off ``share_prefill`` and ``compact`` only costs time: each completion then has its own
    prefill, and ended rows stay in the batch until all have ended. ``decode`` names the
    implementation of a decode step. With ``merge_lora`` it samples from adapters merged into the
    base's weights, which rounds them: completions then have log-probabilities of their own, at
    ``logp_temperature`` as the policy takes them; None: at that of sampling.
    """

    samples_from_model = True

    adapter: Adapter
    tokens_per_batch: int = 65536
    _: KW_ONLY
    share_prefill: bool = True
    compact: bool = True
    decode: DecodeMode = "dynamic"
    merge_lora: bool = False
    logp_temperature: float | None = None

    def __post_init__(self) -> None:
        self._ends = Ending(self.adapter)

    @torch.no_grad()
    def sample(
        self,
        prompts: Sequence[EncodedPrompt],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        watch: Watch | None = None,
    ) -> list[list[Completion]]:
        """As every ``Engine``; ``watch`` is told of each token."""
        if len({len(group) for group in seeds}) > 1:
            raise ValueError("every prompt needs the same number of seeds")
        model = self.adapter.model
        was_training = model.training
        model.eval()
        merged = merged_lora(self.adapter) if self.merge_lora else nullcontext()
        try:
            completions: list[list[Completion]] = [[] for _ in prompts]
            with merged, hint_on_oom("rollout.tokens_per_batch"):
                n = len(seeds[0]) if seeds else 1
                sizes = [(n, len(p.input_ids) + sampling.max_new_tokens) for p in prompts]
                for chosen in packed(sizes, self.tokens_per_batch):
                    batch = self._complete(
                        [prompts[i] for i in chosen],
                        [seeds[i] for i in chosen],
                        sampling,
                        None if watch is None else _of_chosen(watch, chosen),
                    )
                    for i, group in zip(chosen, batch, strict=True):
                        completions[i] = group
            return completions
        finally:
            model.train(was_training)

    def update(self, version: int, weights: Weights) -> None:
        """Nothing: the model's weights are those that learn."""

    def close(self) -> None:
        """Nothing."""

    def _complete(
        self,
        prompts: list[EncodedPrompt],
        seeds: list[Sequence[int]],
        sampling: Sampling,
        watch: Watch | None = None,
    ) -> list[list[Completion]]:
        n, device = len(seeds[0]), self.adapter.device
        logits, prefilled = self._start(prompts, n)
        if not logits.amax(-1).isfinite().all():  # sampling NaN gives ids outside the vocabulary
            raise GritError(
                "the model's next-token logits are not finite: its weights are damaged, or their "
                "numbers exceed the range of model.dtype"
            )
        decoding = begin_decoding(self.adapter, self.decode, prefilled)
        del prefilled  # frees the cache if the decoding has copied it
        uniforms = _uniforms([s for group in seeds for s in group], sampling).to(device)
        forbidden = self.adapter.forbidden_ids.to(device)
        temperature = self.logp_temperature or sampling.temperature or 1.0  # of ``logps``

        rows = torch.arange(len(prompts) * n)  # which completion each row of the batch belongs to
        written: list[list[int]] = [[] for _ in rows]
        logps: list[list[float]] = [[] for _ in rows]  # stay empty but for ``merge_lora``
        ended = [False] * len(rows)
        for step in range(sampling.max_new_tokens):
            tokens = choose(logits, uniforms[:, step], sampling, forbidden)
            step_logps = _logps(logits, tokens, temperature) if self.merge_lora else None
            for place, (row, token) in enumerate(zip(rows.tolist(), tokens.tolist(), strict=True)):
                if ended[row]:  # not compacted yet
                    continue
                written[row].append(token)
                if step_logps is not None:
                    logps[row].append(step_logps[place])
                ended[row] = self._ends(written[row])
                if watch is not None:
                    watch(row // n, row % n, written[row], ended[row])
            alive = torch.tensor([not ended[row] for row in rows.tolist()])
            if not alive.any() or step + 1 == sampling.max_new_tokens:
                break
            if self.compact and decoding.should_compact(int(alive.sum())):
                keep = alive.nonzero().squeeze(1)
                rows, keep = rows[keep], keep.to(device)
                decoding.keep(keep)
                tokens, uniforms = tokens[keep], uniforms[keep]
            logits = decoding.step(tokens)
        return self._grouped(written, logps, ended, n)

    def _start(self, prompts: list[EncodedPrompt], n: int) -> tuple[Tensor, Prefilled]:
        """The results of ``_prefill`` with ``n`` rows for each prompt: [B, V], and B rows."""
        if not self.share_prefill:
            return self._prefill([prompt for prompt in prompts for _ in range(n)])
        logits, one = self._prefill(prompts)
        one.cache.batch_repeat_interleave(n)
        mask, positions = (rows.repeat_interleave(n, 0) for rows in (one.mask, one.positions))
        return logits.repeat_interleave(n, 0), Prefilled(one.cache, mask, positions)

    def _prefill(self, prompts: list[EncodedPrompt]) -> tuple[Tensor, Prefilled]:
        """Next-token logits [G, V], and the key/value cache of the left-padded prompts."""
        device, longest = self.adapter.device, max(len(p.input_ids) for p in prompts)
        ids = torch.full((len(prompts), longest), self.adapter.pad_id)
        mask = torch.zeros_like(ids)
        positions = torch.zeros(self.adapter.position_rows, len(prompts), longest, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            start = longest - len(prompt.input_ids)
            ids[row, start:] = prompt.input_ids
            mask[row, start:] = 1
            positions[:, row, start:] = prompt.positions
        cache = DynamicCache(config=self.adapter.plain.config.get_text_config())
        features = self.adapter.image_features(prompts)
        embeddings = self.adapter.embed(ids.to(device), features)
        hidden = self.adapter.hidden_states(
            embeddings, mask.to(device), positions.to(device), cache
        )
        following = torch.tensor([prompt.next_position for prompt in prompts])
        prefilled = Prefilled(cache, mask.to(device), following.to(device))
        return self.adapter.logits(hidden[:, -1]), prefilled

    def _grouped(
        self, written: list[list[int]], logps: list[list[float]], ended: list[bool], n: int
    ) -> list[list[Completion]]:
        flat = [
            Completion(
                tuple(ids),
                self.adapter.decode(ids),
                truncated=not end,
                logps=tuple(said) if self.merge_lora else None,
            )
            for ids, said, end in zip(written, logps, ended, strict=True)
        ]
        return [flat[start : start + n] for start in range(0, len(flat), n)]


def begin_decoding(adapter: Adapter, mode: DecodeMode, prefilled: Prefilled) -> Decoding:
    """The decoding of a batch by the implementation of ``rollout.decode``."""
    if mode == "auto":
        mode = "captured" if _captures(adapter) else "dynamic"
    if mode == "dynamic":
        return DynamicDecoding(adapter, prefilled)
    # A graph per batch, so that no memory is kept during the update.
    stepper = Captured(adapter) if mode == "captured" else Stepper(adapter)
    return StaticDecoding(stepper, prefilled)


def _captures(adapter: Adapter) -> bool:
    """Whether a decode step can be captured as a CUDA graph: unsharded, on a GPU, capturable.

    Checked when a batch begins, because Lightning moves the model after the sampler is made.
    """
    attention = adapter.plain.config._attn_implementation
    return (
        adapter.device.type == "cuda" and attention != "flash_attention_2" and in_one_piece(adapter)
    )


def in_one_piece(adapter: Adapter) -> bool:
    """Whether the model is not sharded by FSDP, which would have to gather layers in a step."""
    return not any(isinstance(module, FSDPModule) for module in adapter.plain.modules())


def packed(sizes: Sequence[tuple[int, int]], tokens: int) -> list[list[int]]:
    """Indices of items in batches of similar length, each with at least one.

    Args:
        sizes: the rows of each item, and the length of the longest one.
        tokens: of a batch at most, with padding.
    """
    batches: list[list[int]] = []
    rows = 0
    for i in sorted(range(len(sizes)), key=lambda i: sizes[i][1]):
        more, length = sizes[i]  # the longest so far
        if batches and (rows + more) * length <= tokens:
            batches[-1].append(i)
            rows += more
        else:
            batches.append([i])
            rows = more
    return batches


def _logps(logits: Tensor, tokens: Tensor, temperature: float) -> list[float]:
    """Log-probabilities of ``tokens`` [B], normalised over the whole vocabulary."""
    scaled = logits.float() / temperature
    chosen = scaled.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    found: list[float] = (chosen - scaled.logsumexp(-1)).tolist()
    return found


def _of_chosen(watch: Watch, chosen: Sequence[int]) -> Watch:
    """``watch`` for a batch of the prompts with the indices ``chosen``."""

    def watch_batch(place: int, number: int, token_ids: Sequence[int], ended: bool) -> None:
        watch(chosen[place], number, token_ids, ended)

    return watch_batch


def _uniforms(seeds: Sequence[int], sampling: Sampling) -> Tensor:
    """Uniform numbers [B, max_new_tokens], a row from each seed's RNG, drawn on the CPU."""
    if sampling.greedy:
        return torch.zeros(len(seeds), sampling.max_new_tokens, dtype=torch.float64)
    streams = (torch.Generator().manual_seed(seed) for seed in seeds)
    size = sampling.max_new_tokens
    return torch.stack([torch.rand(size, generator=g, dtype=torch.float64) for g in streams])
