"""Prompts and completions laid out as the rows of one forward pass.

A row is ``[image + prompt | c1 | ... | cn]``. Each completion attends to the prompt and to itself,
and its position ids continue from the prompt's, so its hidden states equal those in a row of its
own. n = 1 is the ordinary row; with n = N the prompt is computed once for all completions.

Shapes: B rows, L tokens of the longest row, R position rows, M completion tokens of all rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.shared_rows import SharedRows
from grit.rollout.sampler import packed


@dataclass(frozen=True)
class Group:
    """A prompt and the token ids of its completions, each with at least one token."""

    prompt: EncodedPrompt
    completions: tuple[tuple[int, ...], ...]

    @property
    def row_length(self) -> int:
        """Tokens of a row with the prompt and all completions."""
        return len(self.prompt.input_ids) + sum(map(len, self.completions))


@dataclass(frozen=True)
class MicroBatch:
    """What one forward pass of a step has: the indices of its groups."""

    groups: tuple[int, ...]
    is_dummy: bool = False  # has weight 0; keeps the collectives of the ranks aligned

    def of(self, groups: Sequence[Group]) -> list[Group]:
        """Those of all ``groups`` of the step that it has."""
        return [groups[i] for i in self.groups]


@dataclass(frozen=True)
class RowBatch:
    """The tensors of one forward pass, on the CPU.

    ``predictors`` [M] index the flattened hidden states [B * L] that predict ``targets`` [M];
    ``owner`` [M] is the index of each token's completion, counted in the order of the groups.
    ``prompt_of_row`` [B] is the index of the group whose image features go into a row.
    """

    input_ids: Tensor  # [B, L]
    mask: Tensor | SharedRows  # [B, L] of 0 and 1, or the block-causal mask of shared prompts
    positions: Tensor  # [R, B, L]
    predictors: Tensor
    targets: Tensor
    owner: Tensor
    prompt_of_row: list[int]


def lay_out(adapter: Adapter, groups: Sequence[Group], *, share_prompt: bool) -> RowBatch:
    """Lay out groups as rows: one per prompt if ``share_prompt``, else one per completion."""
    rows: list[tuple[int, tuple[tuple[int, ...], ...]]] = []  # a prompt's index, its completions
    for g, group in enumerate(groups):
        if share_prompt:
            rows.append((g, group.completions))
        else:
            rows += [(g, (ids,)) for ids in group.completions]
    lengths = [
        len(groups[g].prompt.input_ids) + sum(map(len, completions)) for g, completions in rows
    ]
    longest = max(lengths)
    input_ids = torch.full((len(rows), longest), adapter.pad_id)
    positions = torch.zeros(adapter.position_rows, len(rows), longest, dtype=torch.long)
    real = torch.zeros(len(rows), longest, dtype=torch.long)
    predictors: list[Tensor] = []
    targets: list[Tensor] = []
    owner: list[Tensor] = []
    for r, (g, completions) in enumerate(rows):
        prompt = groups[g].prompt
        end = len(prompt.input_ids)
        last_of_prompt = r * longest + end - 1
        input_ids[r, :end], positions[:, r, :end] = prompt.input_ids, prompt.positions
        for completion in completions:
            ids = torch.tensor(completion)
            start, end = end, end + len(ids)
            input_ids[r, start:end] = ids
            positions[:, r, start:end] = prompt.next_position + torch.arange(len(ids))
            inside = torch.arange(start, end - 1) + r * longest
            predictors.append(torch.cat([torch.tensor([last_of_prompt]), inside]))
            targets.append(ids)
            owner.append(torch.full((len(ids),), len(owner)))
        real[r, :end] = 1
    shared = SharedRows(
        tuple(len(group.prompt.input_ids) for group in groups),
        tuple(tuple(map(len, group.completions)) for group in groups),
        adapter.device,
    )
    return RowBatch(
        input_ids=input_ids,
        mask=shared if share_prompt else real,
        positions=positions,
        predictors=torch.cat(predictors),
        targets=torch.cat(targets),
        owner=torch.cat(owner),
        prompt_of_row=[g for g, _ in rows],
    )


def in_micro_batches(
    groups: Sequence[Group], tokens_per_pass: int, *, share_prompt: bool
) -> list[MicroBatch]:
    """Pack groups of similar length into batches of at most ``tokens_per_pass`` padded tokens.

    A micro-batch has at least one group.
    """
    sizes = []
    for group in groups:
        lengths = [len(ids) for ids in group.completions]
        rows, longest = (1, sum(lengths)) if share_prompt else (len(lengths), max(lengths))
        sizes.append((rows, len(group.prompt.input_ids) + longest))
    return [MicroBatch(tuple(chosen)) for chosen in packed(sizes, tokens_per_pass)]
