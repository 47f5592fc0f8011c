"""One sentence of a question and its answer: "Is the cat on it?", no -> "The cat is not on it."."""

import re

from grit.data.wording.nouns import (
    BE,
    DETERMINERS,
    DO,
    STATES,
    is_participle,
    subject_of,
    tokens_of,
)
from grit.data.wording.number import is_plural

_REQUEST = re.compile(r"\s*please answer yes or no\.?\s*$", re.IGNORECASE)
_PRONOUNS = {"this", "that", "these", "those", "it", "he", "she", "they"}
_WHAT_WHO = {"what", "who"}
_NOT_THINGS = {
    *("yes", "no", "none", "nothing", "left", "right", "top", "bottom", "both", "neither"),
    *("true", "false", "unknown"),
}
_THING = re.compile(r"(?:(?:the|an?)\s+)?([^\W\d_]{2,}(?:[ '’-][^\W\d_]+){0,3})", re.IGNORECASE)
_BASE_FORMS = {"has": "have", "does": "do", "goes": "go"}


def named_thing(answer: str) -> str | None:
    """The answer without its article, if it names something that can have a box."""
    match = _THING.fullmatch(answer.strip())
    return match[1] if match and match[1].lower() not in _NOT_THINGS else None


def answer_sentence(question: str, answer: str) -> str | None:
    """Question and answer as one sentence; None if no rule fits."""
    words = _words(question)
    if words is None:
        return None
    normalized = answer.strip().lower().rstrip(".")
    if normalized in ("yes", "no"):
        sentence = _yes_no_sentence(words, yes=normalized == "yes")
    else:
        name = named_thing(answer)
        sentence = None if name is None else _what_sentence(words, f"the {name}", name)
    return None if sentence is None else sentence[0].upper() + sentence[1:] + "."


def search_phrase(question: str) -> str | None:
    """What a question looks for: "what is behind the sheep", "what the truck contains"."""
    words = _words(question)
    if words is None or words[0].lower() not in _WHAT_WHO:
        return None
    pronoun = words[0].lower()
    if _has_state(words):
        return " ".join([pronoun, *words[1:]])
    clause = _does_clause(words)
    return None if clause is None else f"{pronoun} {clause}"


def _words(question: str) -> list[str] | None:
    """The words of a question of one sentence without punctuation; None for any other."""
    text = _REQUEST.sub("", question).strip()
    sentence, mark, rest = text.partition("?")
    if not mark or rest.strip() or re.search(r"[^\w\s'’-]", sentence):
        return None
    words = re.sub(r"^(what|who)['’]s\b", r"\1 is", sentence.strip(), flags=re.IGNORECASE).split()
    return words if len(words) >= 3 else None


def _yes_no_sentence(words: list[str], *, yes: bool) -> str | None:
    verb, first = words[0].lower(), words[1].lower()
    if verb in BE and first == "there":
        return _there_is_sentence(verb, words[2:], yes=yes)
    is_pronoun = first not in DETERMINERS or words[2].lower() in DETERMINERS
    if verb in BE and first in _PRONOUNS and is_pronoun:
        return _be_sentence([first], verb, words[2:], yes=yes)
    if verb not in BE | DO or first not in DETERMINERS:
        return None
    end = _end_of_subject(words)
    subject, rest = [first, *words[2:end]], words[end:]
    if end < 3 or not rest:
        return None
    sentence = _be_sentence if verb in BE else _do_sentence
    return sentence(subject, verb, rest, yes=yes)


def _end_of_subject(words: list[str]) -> int:
    """The index behind the subject, which starts at the third word; 0 if there is none."""
    subject = subject_of([*words, "?"], 2)
    return subject.end if subject.text and tokens_of(" ".join(words)) == words else 0


def _be_sentence(subject: list[str], verb: str, rest: list[str], *, yes: bool) -> str:
    return " ".join([*subject, verb, *([] if yes else ["not"]), *rest])


def _there_is_sentence(verb: str, rest: list[str], *, yes: bool) -> str | None:
    if not rest:
        return None
    article = rest[0].lower() in ("a", "an", "any", "some")
    if yes:
        return " ".join(["there", verb, *(rest[1:] if rest[0].lower() == "any" else rest)])
    return " ".join(["there", verb, *(["no", *rest[1:]] if article else ["not", *rest])])


def _do_sentence(subject: list[str], verb: str, rest: list[str], *, yes: bool) -> str | None:
    if yes and verb == "did":
        return None  # the verb's past form is not known
    if yes:
        return " ".join(
            [*subject, _third_person(rest[0]) if verb == "does" else rest[0], *rest[1:]]
        )
    return " ".join([*subject, verb, "not", _base_form(rest[0]), *rest[1:]])


def _what_sentence(words: list[str], subject: str, name: str) -> str | None:
    """The sentence of "What is behind the sheep?" and its answer."""
    if words[0].lower() not in _WHAT_WHO:
        return None
    if _has_state(words):
        verb = words[1].lower()
        if verb in ("is", "are"):
            verb = "are" if is_plural(name.split()[-1]) else "is"
        return " ".join([subject, verb, *words[2:]])
    clause = _does_clause(words)
    return None if clause is None else f"{clause} {subject}"


def _has_state(words: list[str]) -> bool:
    """Whether "what is" is followed by a word for how or where something is, not by a thing."""
    state = words[2].lower()
    return words[1].lower() in BE and (state in STATES or is_participle(state))


def _does_clause(words: list[str]) -> str | None:
    """Of "What does the truck contain?": "the truck contains"."""
    if [word.lower() for word in words[:2]] != ["what", "does"]:
        return None
    if len(words) < 5 or words[2].lower() not in DETERMINERS or is_participle(words[-1]):
        return None
    if any(word.lower() in STATES for word in words[3:]):
        return None
    return " ".join([words[2].lower(), *words[3:-1], _third_person(words[-1])])


def _third_person(verb: str) -> str:
    for third, base in _BASE_FORMS.items():
        if verb == base:
            return third
    if verb.endswith("s") and not verb.endswith("ss"):
        return verb  # some questions have this form already
    return verb + ("es" if verb.endswith(("ss", "sh", "ch", "x")) else "s")


def _base_form(verb: str) -> str:
    if verb in _BASE_FORMS:
        return _BASE_FORMS[verb]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb
