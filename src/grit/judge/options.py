"""The options that a question lists, and which of them a prediction names."""

import re

from grit.judge.words import contains, normalized, word_set

_MARK = re.compile(r"(?<!\w)(?:\(([A-Za-z])\)|([A-Z])[.):](?=\s))")
_JOINED = re.compile(r"\s+(?:or|and)\s*$")

# A letter on its own: "(b)", "b.", "B"; a capital A before a longer word is an article.
_LETTERS = re.compile(
    r"\(\s*([A-Za-z])\s*\)"
    r"|(?<![\w'’])([A-Za-z])(?=[).:](?:\s|$))"
    r"|(?<![\w'’-])(A(?!\s+(?!or\b|and\b)\w\w)|[B-Z])(?![\w'’^-])"
    r"|\b(?:option|choice|answer is)\s+([a-z])\W*$"
)
_FIRST = re.compile(r"[\s*_\"']*(?:\(([A-Za-z])\)|([A-Z])[.):](?=[\s*_]))[\s*_]*")
_SENTENCE_END = re.compile(r"[.,;:](?=\s|$)|\n")
_A_LABEL = 3  # words; so few may be another answer instead of an explanation
_HEDGE = re.compile(r"\W*(?:or|and|not|is|isn't)\b", re.IGNORECASE)
# A capital letter, and the word before it: a noun makes it a name in the picture, "image B".
_CAPITAL = re.compile(
    r"(?:\b([^\W\d_]{2,})\s+)?(?<![\w'’-])(A(?!\s+(?!or\b|and\b)\w\w)|[B-Z])(?![\w'’^-])"
)
_BEFORE_A_MARK = word_set(
    "answer option choice letter is are be was so therefore thus hence it correct choose select"
    " pick and or not either neither nor"
)
_ONLY_A_LETTER = re.compile(r"\W*([A-Za-z])\W*")


def options_in(question: str) -> dict[str, str]:
    """Parse the question's last list of options, of the form (A) ... (B) ... or A. ... B. ...

    Options may be letters themselves, as in "(A) (c) (B) (a)": a list with capital letters is
    preferred to one with small letters.

    Returns:
        Letter in upper case -> normalised text. At least two options, lettered from A without a
        gap; empty if the question lists none.
    """
    return {mark.upper(): normalized(text) for mark, text in _as_written(question).items()}


def _as_written(question: str) -> dict[str, str]:
    listed = _last_list(question)
    ends = [mark.start() for mark in listed[1:]] + [len(question)]
    options = {}
    for mark, end in zip(listed, ends, strict=False):
        text = question[mark.end() : end].strip().partition("\n")[0]
        options[mark[1] or mark[2]] = _JOINED.sub("", text)
    return options


def with_texts_for_marks(text: str, question: str) -> str:
    """The text with options' texts for their marks, if these are capital and those small letters.

    Then the case tells them apart: of "(A) (c) (B) (a)" "B" is "(a)", and "(b)" is itself. About
    any other question the text stays as it is.
    """
    options = _as_written(question)
    letters = all(only_letter(option) and option.islower() for option in options.values())
    if not letters or not all(map(str.isupper, options)):
        return text

    def instead(found: re.Match[str]) -> str:
        before, mark = found.groups()
        if mark not in options or (before and before.lower() not in _BEFORE_A_MARK):
            return found[0]
        return f"{found[0][:-1]}({options[mark]})"

    return _CAPITAL.sub(instead, text)


def without_options(question: str) -> str:
    """The question up to its last list of options; all of it if it lists none."""
    listed = _last_list(question)
    return question[: listed[0].start()] if listed else question


def _last_list(question: str) -> list[re.Match[str]]:
    """The marks of the last list of options, if possible of one with capital letters."""
    lists: dict[str, list[re.Match[str]]] = {}  # by the style of the marks
    complete: list[list[re.Match[str]]] = []
    for mark in _MARK.finditer(question):
        letter = mark[1] or mark[2]
        first = "a" if letter.islower() else "A"
        style = mark[0].replace(letter, first)
        if letter == first:
            lists[style] = []
        marks = lists.get(style)
        if marks is not None and ord(letter) == ord(first) + len(marks):
            marks.append(mark)
            if len(marks) == 2:
                complete.append(marks)
    return max(complete, key=lambda m: ("A" in m[0][0], m[0].start()), default=[])


def only_letter(text: str) -> str | None:
    """The letter, in upper case, if the text is one letter only: ``B``, ``(b)``, ``B.``."""
    only = _ONLY_A_LETTER.fullmatch(text)
    return only[1].upper() if only else None


def letters_in(text: str) -> set[str]:
    """All letters, in upper case, that ``text`` uses as names of options and not as words."""
    only = only_letter(text)
    if only:
        return {only}
    return {letter.upper() for found in _LETTERS.findall(text) for letter in found if letter}


def leading(text: str, options: dict[str, str]) -> str | None:
    """The option whose letter a text begins with, before an explanation.

    "B. 70°. The base angles are equal ..." -> B. None if the text does not begin with a letter, if
    it marks another letter too, or if the text of another option follows.
    """
    first = _FIRST.match(text)
    letter = (first[1] or first[2]).upper() if first else ""
    letters = any(map(only_letter, options.values()))  # "(A) (c)" is ambiguous
    if not first or letter not in options or letters:
        return None
    rest = text[first.end() :]
    after = _SENTENCE_END.split(rest, maxsplit=1)[0]
    words = normalized(after).split()
    marked = {(mark[1] or mark[2]).upper() for mark in _MARK.finditer(rest)}
    told = named(after, options) if words else set()
    clear = words == options[letter].split() or not words or len(words) > _A_LABEL
    if not clear or _HEDGE.match(rest) or (marked | told) - {letter}:
        return None
    return letter


def named(text: str, options: dict[str, str]) -> set[str]:
    """The options that ``text`` names, by their letters or by their texts.

    A text that equals an option's text names that option alone ("sample A" may be option C). If one
    option's text is part of another's ("quarter", "quarter past"), the longer one is meant.
    """
    given = normalized(text)
    exact = {letter for letter, option in options.items() if option == given}
    if exact:
        return exact
    words = given.split()
    found = {letter: o.split() for letter, o in options.items() if contains(words, o.split())}
    longest = {
        letter
        for letter, option in found.items()
        if not any(len(o) > len(option) and contains(o, option) for o in found.values())
    }
    of_texts = {word.upper() for letter in longest for word in found[letter]}  # "sample A"
    return longest | ((letters_in(text) - of_texts) & options.keys())
