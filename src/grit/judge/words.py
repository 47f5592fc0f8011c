"""Normalised text, and word lists, for the comparison of answers."""

import re
import unicodedata


def word_set(text: str) -> frozenset[str]:
    """The words of ``text`` as a set."""
    return frozenset(text.split())


FUNCTION_WORDS = word_set(
    "answer answers final correct is are was were be it its this that these those there here he she"
    " they we i you his her their of in on at to from by with for as would should think see seen"
    " shown image picture photo scene called so therefore has have one option choice letter number"
    " count total exactly only just about around approximately ="
)
"""Words that carry an answer without being one; without articles, which ``normalized`` drops."""

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
FEW = 8  # at most so many words beside the answer in a short text
MOST = 60  # at most so many words in an answer with an explanation

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: value for value, word in enumerate(_ONES.split())}
_VALUES |= {word: 10 * value for value, word in enumerate(_TENS.split(), start=2)}

_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!,?\d)")
# Vowel signs and accents that are characters of their own, as in Hindi: parts of a word.
_MARKS = "".join(c for c in map(chr, range(0x300, 0x2000)) if unicodedata.category(c)[0] == "M")
_TOKEN = re.compile(
    r"\d+(?:st|nd|rd|th)\b"  # 1st is not 1
    r"|(?:(?<![\w)\]])-)?(?:\d+(?:[.:/]\d+)*|(?<!\w)\.\d+)"  # 7, -7, 7.0, 9:30, 1/2
    rf"|[^\W\d_](?:[^\W_]|[{_MARKS}])*"  # a word
    r"|[+=<>√±≤≥]"
)
_POWER = re.compile(r"(?<=[^\W\d_])\}?\^\{?([23])(?!\d)\}?")  # cm^2, \text{cm}^{2}
_ARTICLE = re.compile(r"""(?<![\w'-])(?:the(?![\w'-])|an?(?=\s+["(\['“]*\w\w))""")
_ANY_ARTICLE = re.compile(r"\b(?:a|an|the)\b", re.IGNORECASE)
_DECIMAL = re.compile(r"(-?)(\d*)(?:\.(\d+))?")
_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-", "’": "'", "‘": "'"})


def normalized(text: str) -> str:
    """Lower-case text without articles and punctuation, with numbers in one spelling.

    ``"The Twenty-One dogs."`` -> ``"21 dogs"``; ``"7.0"``, ``"07"`` and ``"seven"`` -> ``"7"``;
    ``"6cm"`` -> ``"6 cm"``; ``"cm^2"`` -> ``"cm²"``. An ``a`` is an article only right before a
    longer word: in ``"sample A"``, ``"A, B"`` and ``"A: red"`` it is a name.
    """
    text = unicodedata.normalize("NFC", text.casefold()).translate(_DASHES)
    words = _TOKEN.findall(_cleaned(_ARTICLE.sub(" ", text))) or _TOKEN.findall(_cleaned(text))
    return " ".join(_with_numbers([_canonical(word) for word in words]))


def answer_key(answer: str) -> str:
    """What equal answers have in common: the normalised text, or bare symbols."""
    symbols = answer.casefold().translate(_DASHES).strip()
    return normalized(answer) or symbols.strip(" .\"'") or symbols


def is_number(word: str) -> bool:
    """Whether a normalised word is a number or begins with one: 7, -7, 1.5, 1/2, 9:30, 1st."""
    return word.removeprefix("-")[:1].isdigit()


_IRREGULAR = {"people": "person", "men": "man", "women": "woman", "children": "child"}


def singular(word: str) -> str:
    """The singular of a word by simple rules: dogs, boxes, berries."""
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
    """Whether ``words`` has those of ``phrase`` next to each other, in order."""
    return bool(phrase) and f" {' '.join(phrase)} " in f" {' '.join(words)} "


def few_strangers(extras: set[str], question: str, text: str) -> bool:
    """Whether at most three of the extra words are neither function words nor in the question.

    At most one if the text has no article or function word: "brown dog" may pass, "cat dog bird"
    not.
    """
    strangers = extras - FUNCTION_WORDS - set(normalized(question).split())
    phrase = _ANY_ARTICLE.search(text) or extras & FUNCTION_WORDS
    return len(strangers) <= (3 if phrase else 1)


def _cleaned(text: str) -> str:
    """``text`` without apostrophes and the commas in 1,000; ``and`` for ``&``, cm² for cm^2."""
    text = text.replace("'", "").replace("&", " and ")
    text = _POWER.sub(lambda match: "²³"[match[1] == "3"], text)  # part of the word, no number
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
    """Replace number words below a thousand by digits, except ``one`` as in "the red one"."""
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
    """The number that words from ``at`` on spell, and how many words it has; ("", 0) for none."""
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
