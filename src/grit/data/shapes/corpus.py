"""Text of the kind that a tiny model reads and writes, to train its tokenizer on."""

from collections.abc import Iterator

from grit.data.shapes.kinds import KINDS
from grit.data.shapes.source import ShapesSource
from grit.data.shapes.traces import answer_text, ideal_trace


def corpus(samples: int, seed: int = 0) -> Iterator[str]:
    """Question, answer and ideal trace of `samples` pre-training samples, all kinds in turn."""
    sources = [ShapesSource(kind, "pretrain", samples, seed) for kind in KINDS]
    for index in range(samples):
        sample = sources[index % len(sources)][index // len(sources)]
        yield sample.question
        yield answer_text(sample, sample.space)
        yield ideal_trace(sample, sample.space)
