"""Text reduced to the words that answers are compared by."""

import re


def word_set(text: str) -> frozenset[str]:
    """The words of ``text`` as a set."""
    return frozenset(text.split())


FUNCTION_WORDS = word_set(
    "answer answers final correct is are was were be it its this that these those there here he she"
    " they we i you his her their of in on at to from by with for as would should think see seen"
    " shown image picture photo scene called so therefore has have one option choice letter number"
    " count total exactly only just about around approximately ="
)
"""Words that carry an answer without being one; articles are not among them, they are dropped."""

POLARITY = {"yes": "yes", "yeah": "yes", "yep": "yes", "no": "no", "nope": "no"}
UNSURE = word_set(
    "or maybe perhaps possibly either both unsure unknown unclear idea clue any all every"
    " could might anything something everything such"
)
NEGATION = word_set(
    "not never neither nor without except cannot isnt arent wasnt doesnt dont cant instead"
)
COMPARISON = word_set(
    "more less fewer over under above below least most between almost nearly < > ≤ ≥ +"
)
FEW = 8  # words beside an answer that is no sentence
MOST = 60  # words of an answer with an explanation

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: value for value, word in enumerate(_ONES.split())}
_VALUES |= {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}

_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!,?\d)")
_TOKEN = re.compile(
    r"\d+(?:st|nd|rd|th)\b"  # 1st is not 1
    r"|(?:(?<![\w)\]])-)?(?:\d+(?:[.:/]\d+)*|(?<!\w)\.\d+)"  # 7, -7, 7.0, 9:30, 1/2
    r"|[^\W\d_][^\W_]*"  # a word
    r"|[+=<>√±≤≥]"
)
_ARTICLE = re.compile(r"""(?<![\w'-])(?:the(?![\w'-])|an?(?=\s+["(\['“]*\w\w))""")
_ANY_ARTICLE = re.compile(r"\b(?:a|an|the)\b", re.IGNORECASE)
_DECIMAL = re.compile(r"(-?)(\d*)(?:\.(\d+))?")
_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-", "’": "'", "‘": "'"})


def normalized(text: str) -> str:
    """Lower case, without articles and punctuation, every number in one way of writing it.

    ``"The Twenty-One dogs."`` -> ``"21 dogs"``; ``"7.0"``, ``"07"`` and ``"seven"`` -> ``"7"``;
    ``"6cm"`` -> ``"6 cm"``. An ``a`` is an article only right before a longer word: in
    ``"sample A"``, ``"A, B"`` and ``"A: red"`` it is a name.
    """
    text = text.casefold().translate(_DASHES)
    words = _TOKEN.findall(_cleaned(_ARTICLE.sub(" ", text))) or _TOKEN.findall(_cleaned(text))
    return " ".join(_with_numbers([_canonical(word) for word in words]))


def is_number(word: str) -> bool:
    """Whether a normalised word is a number or begins with one: 7, -7, 1.5, 1/2, 9:30, 1st."""
    return word.removeprefix("-")[:1].isdigit()


_IRREGULAR = {"people": "person", "men": "man", "women": "woman", "children": "child"}


def singular(word: str) -> str:
    """A word without the ending of a plural, as far as a rule can tell: dogs, boxes, berries."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is", "sses")) and len(word) > 3:
        return word[:-1]
    return word


def contains(words: list[str], phrase: list[str]) -> bool:
    """Whether ``phrase`` stands in ``words``, as neighbours and in its order."""
    return bool(phrase) and f" {' '.join(phrase)} " in f" {' '.join(words)} "


def few_strangers(extras: set[str], question: str, text: str) -> bool:
    """At most three words that neither carry an answer nor are the question's own.

    At most one where nothing makes a phrase of them: "brown dog" may pass, "cat dog bird" not.
    """
    strangers = extras - FUNCTION_WORDS - set(normalized(question).split())
    phrase = _ANY_ARTICLE.search(text) or extras & FUNCTION_WORDS
    return len(strangers) <= (3 if phrase else 1)


def _cleaned(text: str) -> str:
    """Without apostrophes and without the commas in 1,000; ``and`` for ``&``."""
    text = text.replace("'", "").replace("&", " and ")
    return _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)


def _canonical(token: str) -> str:
    match = _DECIMAL.fullmatch(token)
    if not match or not token[-1].isdigit():
        return token
    sign, whole, fraction = match.groups()
    whole, fraction = whole.lstrip("0") or "0", (fraction or "").rstrip("0")
    number = f"{whole}.{fraction}" if fraction else whole
    return number if number == "0" else sign + number


def _with_numbers(words: list[str]) -> list[str]:
    """Number words below a thousand as digits, but for ``one`` as in "the red one"."""
    out: list[str] = []
    at = 0
    while at < len(words):
        value, used = _number_at(words, at)
        last_of_a_phrase = bool(out) and at == len(words) - 1 and out[-1] not in FUNCTION_WORDS
        if not used or (words[at] == "one" and last_of_a_phrase):
            value, used = words[at], 1
        out.append(value)
        at += used
    return out


def _number_at(words: list[str], at: int) -> tuple[str, int]:
    """The number that number words spell from ``at`` on, and how many words; ("", 0) for none."""
    value, used = _below_hundred(words[at : at + 2])
    if used < 2 and words[at + used : at + used + 1] == ["hundred"] and (value or 1) < 10:
        hundreds, used = 100 * (value or 1), used + 1
        skip = words[at + used : at + used + 1] == ["and"]
        rest, more = _below_hundred(words[at + used + skip : at + used + skip + 2])
        return str(hundreds + rest), used + (skip + more if more else 0)
    return (str(value), used) if used else ("", 0)


def _below_hundred(words: list[str]) -> tuple[int, int]:
    if not words or words[0] not in _VALUES:
        return 0, 0
    value = _VALUES[words[0]]
    unit = _VALUES.get(words[1], 0) if len(words) > 1 else 0
    return (value + unit, 2) if value >= 20 and 1 <= unit <= 9 else (value, 1)
