"""How many questions, seeds and draws see a true difference between two trained methods.

    python -m benchmarks.power                  # 3 points
    python -m benchmarks.power --difference 0   # how often a difference is seen that is not there

Answers of two methods are simulated, right or wrong, and compared as a table compares runs
(``compared``). Power is the share of experiments whose 95% interval lies above 0. What is
assumed is stated as options, in points of ACC:

- a method's level varies between draws of the triplets and, within a draw, between seeds;
- questions differ in difficulty, for both methods alike and for each by itself: so that the answers
  of two runs to a question are correlated, more within a method than between methods.

With one draw the difference is that on its triplets, and draws do not vary.
"""

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser
from dataclasses import dataclass
from functools import cache
from math import erf, sqrt
from statistics import NormalDist

import numpy as np

from grit.evaluation.over_runs import Bounds
from grit.evaluation.paired import compared

POINTS = Bounds(-100.0, 100.0)
QUESTIONS = (300, 600, 779, 1500, 3000)  # 600: in-domain of suite=shapes; 779: of suite=paper
DESIGNS = (
    (1, 3),
    (1, 5),
    (1, 10),
    (1, 20),
    (3, 5),
    (5, 1),
    (5, 3),
    (5, 5),
    (10, 1),
    (10, 3),
    (20, 1),
)
ENOUGH = 0.8
_normal_cdf = np.vectorize(lambda x: (1 + erf(x / sqrt(2))) / 2)


@dataclass(frozen=True)
class World:
    """What is assumed of methods, draws, seeds and questions; points of ACC and correlations."""

    difference: float
    level: float  # of the baseline
    draw_sd: float
    seed_sd: float
    between: float  # correlation of answers of two methods to one question
    within: float  # of two runs of one method

    def runs(
        self, random: np.random.Generator, draws: int, seeds: int, questions: int
    ) -> list[np.ndarray]:
        """Scores of the baseline's and of our runs [draws * seeds, questions], 0 or 100 each.

        A question is right where its latent difficulty, normal with the correlations that give the
        answers theirs, is below the run's level.
        """
        shared, own = (latent_correlation(each, self.level) for each in (self.between, self.within))
        difficulty = sqrt(shared) * random.normal(size=questions)
        of_method = []
        for level in (self.level, self.level + self.difference):
            of_draw = random.normal(0, self.draw_sd if draws > 1 else 0, (draws, 1))
            levels = level + (of_draw + random.normal(0, self.seed_sd, (draws, seeds))).ravel()
            at = np.array([NormalDist().inv_cdf(min(max(p, 0.1), 99.9) / 100) for p in levels])
            of_question = difficulty + sqrt(own - shared) * random.normal(size=questions)
            noise = sqrt(1 - own) * random.normal(size=(len(at), questions))
            of_method.append(100.0 * (of_question + noise < at[:, None]))
        return of_method


@cache
def latent_correlation(correlation: float, level: float) -> float:
    """Of two normal variables whose shares below the ``level`` percentile correlate as stated."""
    share = level / 100
    threshold = NormalDist().inv_cdf(share)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    low, high = 0.0, 0.9999
    for _ in range(50):
        middle = (low + high) / 2
        below = _normal_cdf((threshold - sqrt(middle) * nodes) / sqrt(1 - middle))
        found = ((weights * below**2).sum() - share**2) / (share * (1 - share))
        low, high = (middle, high) if found < correlation else (low, middle)
    return (low + high) / 2


def power(world: World, draws: int, seeds: int, questions: int, experiments: int) -> float:
    """The share of experiments in which ours is better, by its interval."""
    random = np.random.default_rng([draws, seeds, questions])
    of_run = np.arange(draws).repeat(seeds).tolist()
    names = [str(place) for place in range(questions)]
    seen = 0
    for _ in range(experiments):
        baseline, ours = (
            [dict(zip(names, scores, strict=True)) for scores in runs.tolist()]
            for runs in world.runs(random, draws, seeds, questions)
        )
        found = compared(baseline, ours, POINTS, draws=(of_run, of_run)).difference
        seen += found.low is not None and found.low > 0
    return seen / experiments


def main() -> None:
    chosen = _parser().parse_args()
    world = World(
        chosen.difference,
        chosen.level,
        chosen.draw_sd,
        chosen.seed_sd,
        chosen.between,
        chosen.within,
    )
    print(f"{world}, {chosen.experiments} experiments each\n")
    print(f"| draws x seeds, each side | {' | '.join(map(str, QUESTIONS))} questions | 80% from |")
    print(f"| --- |{' ---: |' * (len(QUESTIONS) + 1)}")
    for draws, seeds in DESIGNS:
        shares = [power(world, draws, seeds, each, chosen.experiments) for each in QUESTIONS]
        enough = (str(n) for n, share in zip(QUESTIONS, shares, strict=True) if share >= ENOUGH)
        cells = " | ".join(f"{share:.2f}" for share in shares)
        print(f"| {draws} x {seeds} | {cells} | {next(enough, '-')} |", flush=True)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "benchmarks.power", description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter
    )
    number = {
        "difference": (3.0, "true difference, points"),
        "level": (66.0, "ACC of the baseline"),
        "draw-sd": (1.5, "standard deviation between draws of the triplets, points"),
        "seed-sd": (1.5, "standard deviation between seeds of a draw, points"),
        "between": (0.5, "correlation of the answers of two methods to one question"),
        "within": (0.6, "correlation of the answers of two runs of one method"),
    }
    for name, (default, what) in number.items():
        parser.add_argument(f"--{name}", type=float, default=default, help=what)
    parser.add_argument("--experiments", type=int, default=300, help="simulated for each number")
    return parser


if __name__ == "__main__":
    main()
