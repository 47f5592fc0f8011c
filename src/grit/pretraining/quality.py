"""Evaluating a tiny base model on scenes of the dev split.

It should point well, answer weakly under the direct query (`card.PROFILE`) and worse under GRIT's
suffix, where its answers should be better if its boxes are correct.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.data.shapes.kinds import KINDS, TEST_KINDS
from grit.data.shapes.source import ShapesSource
from grit.grounding.boxes import Space, converted, union_iou
from grit.grounding.prompts import icl_example, user_text
from grit.grounding.traces import Trace, parse
from grit.judge.judge import Query
from grit.judge.rules import RulesJudge
from grit.models.adapter import Adapter
from grit.rollout.sampler import Sampler
from grit.rollout.settings import GREEDY, Sampling

LIMIT = 200  # new tokens
RIGHT_BOXES = 0.5  # GIoU from which the boxes of a trace count as correct
Figures = dict[str, float]


def base_quality(adapter: Adapter, rows: int, seed: int) -> dict[str, Figures]:
    """Figures of the direct query, of the suffix (greedy and sampled) and of the worked example.

    Args:
        adapter: the model.
        rows: questions of each kind.
        seed: of the questions and of the samples.
    """
    suffix = [
        (kind, sample) for kind in TEST_KINDS for sample in ShapesSource(kind, "dev", rows, seed)
    ]
    return {
        "direct": direct_quality(adapter, rows, seed),
        "suffix_greedy": _suffix_quality(adapter, suffix, GREEDY.temperature, seed, ""),
        "suffix_sampled": _suffix_quality(adapter, suffix, 1.0, seed, ""),
        "example_greedy": _suffix_quality(
            adapter, suffix, 0.0, seed, icl_example(adapter.example_style)
        ),
    }


def direct_quality(adapter: Adapter, rows: int, seed: int) -> Figures:
    """Accuracy by kind, and by template with counts up to 4 apart; IoU where it is a box."""
    asked = []
    for kind in KINDS:
        source = ShapesSource(kind, "dev", rows, seed)
        for index in range(rows):
            template, _, _ = source.question(index)
            sample = source[index]
            few = kind == "tallyqa" and int(sample.answer) <= 4
            asked.append((kind, f"{kind}_{template.name}{'_0_4' if few else ''}", sample))
    samples = [sample for _, _, sample in asked]
    prompts = [user_text(sample.question, suffix=False) for sample in samples]
    completions = _completed(adapter, samples, prompts, 0.0, seed)
    scores = _scores(samples, [text.strip() for text, _ in completions])
    figures: dict[str, list[float]] = defaultdict(list)
    for (kind, name, sample), (text, space), score in zip(asked, completions, scores, strict=True):
        if sample.answer_is_box and sample.boxes:
            figures[f"{name}_iou"].append(_iou(parse(text), space, sample))
        elif not sample.answer_is_box:
            figures[name].append(score)
            figures[f"{kind}_acc"].append(score)
    return {name: fmean(values) for name, values in sorted(figures.items())}


def _suffix_quality(
    adapter: Adapter,
    rows: Sequence[tuple[str, Sample]],
    temperature: float,
    seed: int,
    example: str,
) -> Figures:
    """ACC and GIoU by kind, the format rate, and ACC with correct boxes and with others."""
    samples = [sample for _, sample in rows]
    prompts = [user_text(sample.question, suffix=True, example=example) for sample in samples]
    completions = _completed(adapter, samples, prompts, temperature, seed)
    traces = [parse(text) for text, _ in completions]
    scores = _scores(samples, [trace.answer or "" for trace in traces])
    figures: dict[str, list[float]] = defaultdict(list)
    for (kind, sample), trace, (_, space), score in zip(
        rows, traces, completions, scores, strict=True
    ):
        figures[f"{kind}_format"].append(_in_format(trace))
        figures["format"].append(_in_format(trace))
        figures["tags"].append(float(trace.think_pair and trace.rethink_pair))
        figures["boxes"].append(float(bool(trace.boxes)))
        if not sample.answer_is_box:
            figures[f"{kind}_acc"].append(score)
        if sample.boxes:
            iou = _iou(trace, space, sample)
            figures[f"{kind}_giou"].append(iou)
            if not sample.answer_is_box:
                grounded = "right" if iou >= RIGHT_BOXES else "other"
                figures[f"{kind}_acc_with_{grounded}_boxes"].append(score)
                figures[f"{kind}_right_boxes"].append(float(grounded == "right"))
    return {name: fmean(values) for name, values in sorted(figures.items())}


def _completed(
    adapter: Adapter,
    samples: Sequence[Sample],
    prompts: Sequence[str],
    temperature: float,
    seed: int,
) -> list[tuple[str, Space]]:
    """The completion of each prompt, and the coordinate space of its boxes."""
    encoded = [
        adapter.encode(sample.id, prompt, sample.picture.load(), picture=sample.picture.key)
        for sample, prompt in zip(samples, prompts, strict=True)
    ]
    sampling = Sampling(temperature=temperature, max_new_tokens=LIMIT)
    seeds = [[seed_for("quality", seed, i)] for i in range(len(encoded))]
    groups = Sampler(adapter).sample(encoded, seeds, sampling)
    return [(group[0].text, prompt.space) for group, prompt in zip(groups, encoded, strict=True)]


def _scores(samples: Sequence[Sample], answers: Iterable[str]) -> list[float]:
    queries = [
        Query(sample.question, sample.answer, answer)
        for sample, answer in zip(samples, answers, strict=True)
    ]
    return [score or 0.0 for score in RulesJudge().score(queries)]


def _iou(trace: Trace, space: Space, sample: Sample) -> float:
    return union_iou(converted(trace.all_boxes, space, sample.space), sample.boxes or ())


def _in_format(trace: Trace) -> float:
    parts = trace.think_pair, trace.rethink_pair, bool(trace.boxes), trace.answer is not None
    return float(all(parts))
