"""Few-shot supervised fine-tuning (SFT): the baseline that is shown reasoning traces.

It uses the same triplets as GRPO-GR, each with a trace written from its annotations, and the same
rows. The loss is the mean negative log-likelihood of the traces' tokens.
"""

import logging
from collections.abc import Sequence
from functools import partial

from torch import Tensor

from grit.core import processes
from grit.core.errors import GritError
from grit.core.memory import hint_on_oom
from grit.data.samples import Sample
from grit.data.taught_traces import TraceStyle, is_annotated, taught_trace
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting
from grit.training.diagnostics import Stopwatch
from grit.training.groups import Group
from grit.training.layouts.data_parallel import DataParallel
from grit.training.learner import Learner
from grit.training.settings import SFTSettings, TrainingSettings

log = logging.getLogger(__name__)


def taught_rows(
    drawn: list[Sample], settings: SFTSettings, method: str, data: str
) -> tuple[list[Sample], int]:
    """The rows of ``drawn`` to train on, and how many have no annotated boxes.

    ``method`` and ``data`` are names for messages.

    Raises:
        GritError: no row is left.
    """
    annotated = [sample for sample in drawn if is_annotated(sample)]
    unannotated = len(drawn) - len(annotated)
    if not unannotated:
        return drawn, 0
    choice = f"training.sft.unannotated={settings.unannotated}"
    count = f"method={method}: {unannotated} of {len(drawn)} rows have no annotated box"
    if settings.unannotated == "without_boxes":
        log.info("%s: their traces are without (%s)", count, choice)
        return drawn, unannotated
    if not annotated:
        raise GritError(
            f"{count}, and {choice} leaves them out: give the rows of data={data} their bboxs, or "
            "set training.sft.unannotated=without_boxes"
        )
    log.info("%s: left out (%s)", count, choice)
    return annotated, unannotated


def trace_style_of(settings: SFTSettings, adapter: Adapter) -> TraceStyle:
    """The style of the traces: the model family's, or the one that the settings name."""
    return adapter.example_style if settings.traces == "family" else settings.traces


class FewShotSFT(Learner):
    """Supervised fine-tuning on the prompts of each step from the data module."""

    def __init__(
        self,
        adapter: Adapter,
        prompting: Prompting,
        settings: TrainingSettings,
        *,
        steps: int | None = None,
        seed: int = 0,
        layout: DataParallel | None = None,
        trace_style: TraceStyle | None = None,
    ) -> None:
        super().__init__(
            adapter,
            settings,
            steps=steps or settings.sft.steps,
            learning_rate=settings.sft.learning_rate,
            temperature=1.0,
            seed=seed,
            layout=layout,
        )
        self.prompting = prompting
        self.trace_style: TraceStyle = trace_style or trace_style_of(settings.sft, adapter)

    def training_step(self, batch: Sequence[tuple[Sample, int]], batch_idx: int) -> None:
        """One optimiser step on the traces of the step's samples."""
        watch = Stopwatch(self.device)
        with watch.phase("update"), hint_on_oom("training.tokens_per_pass"):
            groups = [self._group(sample) for sample, _ in batch]
            here = sum(len(ids) for group in groups for ids in group.completions)
            tokens = sum(processes.all_gather(here))  # of all ranks
            self.layout.begin_update()
            loss = 0.0
            for one in self.micro_batches(groups):
                loss_of = partial(_share_of_nll, tokens=tokens, is_dummy=one.is_dummy)
                scores, owner = self.policy.scores(one.of(groups), loss_of)
                share = loss_of(scores.logp, owner)
                self.manual_backward(share)
                loss += share.item()
            loss = sum(processes.all_gather(loss))
            norm = self.optimizer_step_with_clipping()
        metrics = {"loss": loss, "grad_norm": norm, "learning_rate": self.schedule_step()}
        metrics |= {
            "completion_tokens": tokens / sum(processes.all_gather(len(groups))),
            "seconds/step": max(processes.all_gather(watch.total)),
        }
        self.log_step(metrics, batch_idx)

    def _group(self, sample: Sample) -> Group:
        prompt = self.prompting.encode(sample, self.adapter)
        trace = taught_trace(sample, prompt.space, self.trace_style)
        ids = self.adapter.row_text.trace_ids(trace)
        # A family may have several end ids; eos_token_id is the one that ends a turn of its chat.
        return Group(prompt, ((*ids, self.adapter.tokenizer.eos_token_id),))


def _share_of_nll(logp: Tensor, _owner: Tensor, *, tokens: int, is_dummy: bool) -> Tensor:
    """A micro-batch's share of the step's mean negative log-likelihood; 0 for a dummy."""
    return -logp.sum() / tokens * (not is_dummy)
