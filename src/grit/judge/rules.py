"""A judge without a model: text rules decide whether an answer is right (1) or wrong (0).

A prediction is right if its normalised text equals the truth's, or if the answer that it gives is
the truth: the yes or no it begins with, the one number that counts what was asked for, the one
option it names, or the truth as the topic of a sentence. Where possible the answer is extracted
without looking at the truth, so that one text has one answer: several alternatives, hedges and
lists are wrong even if the truth is one of them. The rules know a few families of words that
exclude each other (colours, directions, shapes, ...) and no synonyms: they are stricter than a
model would be, and do not notice a rival outside these families. ``docs/judging_by_rules.md`` lists
their errors.
"""

from collections.abc import Sequence

from grit.grounding.traces import BOX_PATTERN
from grit.judge.judge import Judge, Query
from grit.judge.numbers import number_said, only_names
from grit.judge.options import (
    leading,
    letters_in,
    named,
    only_letter,
    options_in,
    with_texts_for_marks,
    without_options,
)
from grit.judge.phrases import names_thing
from grit.judge.polarity import polarity
from grit.judge.sentences import answers_of, concluded, without_boxes
from grit.judge.words import (
    COMPARISON,
    FEW,
    FUNCTION_WORDS,
    NEGATION,
    POLARITY,
    UNSURE,
    is_number,
    normalized,
    word_set,
)


class RulesJudge(Judge):
    """Scores 1 or 0 by rules; never fails."""

    name = "rules"

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        """One score for each query."""
        return [float(is_right(query)) for query in queries]


def is_right(query: Query) -> bool:
    """Whether the prediction is right."""
    question, *texts = query
    truth, prediction = (with_texts_for_marks(text, question) for text in texts)
    wanted, given = normalized(truth), normalized(prediction)
    if not wanted:
        return bool(truth.strip()) and truth.strip() == prediction.strip()
    if wanted == given:
        return True
    if not _asks_for_box(question, truth):
        prediction = without_boxes(prediction)
    return all(_agrees(question, truth, answer) for answer in answers_of(prediction))


def _asks_for_box(question: str, truth: str) -> bool:
    """Whether the truth or one of the options has four numbers as a box has."""
    options = question.removeprefix(without_options(question))
    return any(map(BOX_PATTERN.search, (truth, options)))


def _agrees(question: str, truth: str, answer: str) -> bool:
    wanted = normalized(truth)
    if wanted == normalized(answer):
        return True
    options = options_in(question)
    right = _right_option(truth, options)
    if right:
        return _names_option(question, answer, right, options)
    letter = only_letter(truth)
    if letter:
        return _names_letter(answer, letter)
    if wanted in ("yes", "no"):
        return polarity(question, answer) == wanted
    if wanted in ("true", "false") and polarity(question, answer):
        return polarity(question, answer) == {"true": "yes", "false": "no"}[wanted]
    if is_number(wanted) and " " not in wanted:  # not "6 cm", of which it would read the 6 alone
        nothing = wanted == "0" and _says_none(question, answer)
        return nothing or number_said(question, answer) == wanted
    return names_thing(truth, question, answer)


def _right_option(truth: str, options: dict[str, str]) -> set[str]:
    """The letters of the option that is the truth; several if options have the same text."""
    wanted = normalized(truth)
    by_text = {letter for letter, option in options.items() if option == wanted}
    by_name = named(truth, options)
    return by_text or (by_name if len(by_name) == 1 else set())


def _names_option(question: str, answer: str, right: set[str], options: dict[str, str]) -> bool:
    first = leading(answer, options)
    if first:
        return first in right
    answer = concluded(answer)
    said = polarity(question, answer) if set(options.values()) == {"yes", "no"} else None
    if said:
        return said == options[min(right)] and letters_in(answer) & options.keys() <= right
    found = named(answer, options)
    text = options[min(right)].split()
    given = normalized(answer).split()
    extras = set(given) - set(text)
    asked = without_options(question)
    numeric = any(map(is_number, text)) and not only_names(asked, given, text)
    against = numeric or extras & (UNSURE | NEGATION) or len(given) > len(text) + 2 * FEW
    return bool(found) and found <= right and not against


def _names_letter(answer: str, letter: str) -> bool:
    """Whether the answer names ``letter``, the truth of a question that lists no options."""
    found = letters_in(answer) - ({"I"} - {letter})
    given = normalized(answer).split()
    return found == {letter} and len(given) <= 2 * FEW and not (UNSURE | NEGATION) & set(given)


def _says_none(question: str, answer: str) -> bool:
    """Whether an answer says zero: "none", "no dogs", "there are none"; not a bare "no"."""
    given = normalized(answer).split()
    place = next((at for at, word in enumerate(given) if word in ("no", "none")), None)
    if place is None or given == ["no"] or len(given) > 1 + FEW:
        return False
    others = set(given[:place] + given[place + 1 :])
    against = (UNSURE - {"such"}) | NEGATION | COMPARISON | POLARITY.keys()
    if against & others or any(map(is_number, others)) or "single" in others:  # that is one
        return False
    carriers = FUNCTION_WORDS | word_set("such things ones") | set(normalized(question).split())
    begins = set(given[:place]) <= carriers | word_set("has with have s")
    return begins and len(others - carriers) <= 1
