"""pass@k and mean@k: what several sampled answers to each question are worth.

A sampled answer is right if the judge scores it above 0.5. pass@k is the probability that at least
one of k answers is right, by the unbiased estimator of Chen et al. 2021 (arXiv 2107.03374,
equation 1) from the n that were sampled; mean@n is the judge's mean score over all n.
"""

import re
from collections.abc import Sequence
from math import comb
from statistics import fmean

import numpy as np

from grit.core.seeding import seed_for
from grit.evaluation.bootstrap import Estimate, estimate_known
from grit.evaluation.consistency import RIGHT_ABOVE
from grit.evaluation.predictions import ScoredPrediction

NAMES = re.compile(r"(?:pass|mean)_at_[1-9]\d*")
"""Names in results.json: ``pass_at_4``, ``mean_at_4``."""
SCALE = 100.0  # maximum of both, as of ACC


def pass_at_k(n: int, right: int, k: int) -> float:
    """The unbiased estimate of the chance that one of k answers is right: 1 - C(n-right,k)/C(n,k).

    Args:
        n: sampled answers.
        right: how many of them are right, 0 to ``n``.
        k: 1 to ``n``.

    Raises:
        ValueError: an argument is out of its range.
    """
    if not (1 <= k <= n and 0 <= right <= n):
        raise ValueError(f"pass@{k} cannot be estimated from {right} right ones of {n} answers")
    return 1 - comb(n - right, k) / comb(n, k)


def sizes(n: int) -> list[int]:
    """The k that are reported for n samples: powers of two below n, and n itself."""
    return [2**power for power in range(n.bit_length()) if 2**power < n] + [n]


def number(name: str) -> int:
    """The k of one of ``NAMES``."""
    return int(name.rpartition("_")[2])


def sampled_estimates(rows: Sequence[ScoredPrediction]) -> dict[str, Estimate]:
    """``pass_at_k`` for each of ``sizes`` and ``mean_at_n`` of one set, 0 to 100, by their names.

    Intervals are over pictures, as those of all metrics. Samples that the judge failed on are
    dropped, not counted as wrong; a question with fewer than k samples left is omitted.

    Args:
        rows: n of each question, in any order; none give no numbers.
    """
    questions: dict[str, list[ScoredPrediction]] = {}
    for row in rows:
        questions.setdefault(row.prediction.id, []).append(row)
    if not questions:
        return {}
    n = max(len(samples) for samples in questions.values())
    ordered = [questions[id_] for id_ in sorted(questions, key=seed_for)]  # as of other metrics
    pictures = [samples[0].prediction.picture for samples in ordered]
    accs = [[row.acc for row in samples if row.acc is not None] for samples in ordered]

    def over(values: Sequence[float | None]) -> Estimate:
        return estimate_known(np.array(values, dtype=np.float64) * SCALE, pictures)

    passed = {f"pass_at_{k}": over([_passes(each, k) for each in accs]) for k in sizes(n)}
    return passed | {f"mean_at_{n}": over([fmean(each) if each else None for each in accs])}


def _passes(accs: Sequence[float], k: int) -> float | None:
    right = sum(acc > RIGHT_ABOVE for acc in accs)
    return None if len(accs) < k else pass_at_k(len(accs), right, k)
