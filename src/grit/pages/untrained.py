"""What a model said before training, where another run of the same experiment has asked it."""

from collections.abc import Mapping, Sequence

from grit.evaluation.predictions import ScoredPrediction
from grit.runs.finished import FinishedRun
from grit.runs.repetitions import is_trained

_PROMPT = ("suffix", "example", "tagged_answer")  # fields of a method that a question hangs on


def before_of(
    run: FinishedRun, others: Sequence[FinishedRun]
) -> tuple[Mapping[str, Sequence[ScoredPrediction]], FinishedRun | None]:
    """A trained run's rows before training by set, and the other run that they come from, if any.

    Its own where it evaluated before training. Else those of a run of the same model, prompt and
    judge that is not trained, which is exactly the state before, of the sets whose questions are
    the same.
    """
    own = run.rows("before")
    if own or not is_trained(run.results):
        return own, None
    other = next((other for other in others if _is_before(other, run)), None)
    if other is None:
        return {}, None
    same = {
        name
        for name, result in other.results.sets.items()
        if result.questions is not None
        and name in run.results.sets
        and run.results.sets[name].questions == result.questions
    }
    rows = {name: rows for name, rows in other.rows().items() if name in same}
    return rows, other if rows else None


def _is_before(other: FinishedRun, run: FinishedRun) -> bool:
    if is_trained(other.results) or other.results.judge != run.results.judge:
        return False
    return bool(other.config) and _asked(other) == _asked(run)


def _asked(run: FinishedRun) -> tuple[object, ...]:
    """The base model, its prompt and how long it may answer."""
    method, evaluation = run.config.get("method", {}), run.config.get("evaluation", {})
    prompt = tuple(method.get(name) for name in _PROMPT)
    return (
        run.results.model,  # of predictions that were scored, the configuration does not say it
        run.config.get("model"),
        run.config.get("checkpoint"),
        prompt,
        evaluation.get("max_new_tokens"),
    )
