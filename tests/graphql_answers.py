"""Answers to GraphQL requests: of all that a server knows, the fields that were asked for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Known = Mapping[str, Any]  # field -> a value, or what makes it of the field's arguments

_TOKEN = re.compile(r'#[^\n]*|"[^"]*"|\.\.\.|\$?\w+|-?[\d.]+|\S')


class Refused(Exception):
    """What GraphQL's ``errors`` say."""


@dataclass
class _Asked:
    """A field of a query."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, "_Asked"] = field(default_factory=dict)  # by the names they have in answers


def answer(query: str, variables: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """The ``data`` for a query.

    Raises:
        Refused: it asks for what the server does not know, or a field's maker says no.
    """
    return _pick(known, _Reader(query, variables).operation())


def _pick(known: Any, asked: Mapping[str, _Asked]) -> Any:
    if isinstance(known, list):
        return [_pick(one, asked) for one in known]
    if known is None or not asked:
        return known
    found = {}
    for shown, one in asked.items():
        if one.name not in known:
            raise Refused(f'Cannot query field "{one.name}"')
        value = known[one.name]
        found[shown] = _pick(value(**one.arguments) if callable(value) else value, one.fields)
    return found


class _Reader:
    """Reads an operation and the fragments after it; variables are put in where they stand."""

    def __init__(self, query: str, variables: Mapping[str, Any]) -> None:
        tokens = [token for token in _TOKEN.findall(query) if token[0] not in "#,"]
        self.tokens = tokens
        self.variables = dict(variables)
        self.fragments = {
            tokens[at + 1]: at for at, token in enumerate(tokens) if token == "fragment"
        }

    def operation(self) -> dict[str, _Asked]:
        at = 0
        while self.tokens[at] != "{":  # past the variables' types, noting what they are else
            if self.tokens[at] == "=":
                name = next(t for t in reversed(self.tokens[:at]) if t[0] == "$")
                self.variables.setdefault(name[1:], self._literal(self.tokens[at + 1]))
            at += 1
        return self._fields(self._from(at + 1))

    def _from(self, at: int) -> Iterator[str]:
        return iter(self.tokens[at:])

    def _fields(self, tokens: Iterator[str]) -> dict[str, _Asked]:
        found: dict[str, _Asked] = {}
        last = ""
        for token in tokens:
            if token == "}":
                return found
            if token == "...":
                start = self.tokens.index("{", self.fragments[next(tokens)])
                found |= self._fields(self._from(start + 1))
            elif token == "(":
                found[last].arguments = self._arguments(tokens, ")")
            elif token == "{":
                found[last].fields = self._fields(tokens)
            elif token == "@":
                kind, _ = next(tokens), next(tokens)
                asked = self._arguments(tokens, ")")
                if kind == "include" and not asked["if"]:
                    del found[last]
            elif token == ":":  # what came before was the name in the answer
                found[last].name = next(tokens)
            else:
                last = token
                found[token] = _Asked(token)
        raise Refused("Syntax Error: a brace is not closed")

    def _arguments(self, tokens: Iterator[str], end: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in tokens:
            if name == end:
                return found
            next(tokens)  # the colon
            token = next(tokens)
            found[name] = self._arguments(tokens, "}") if token == "{" else self._literal(token)
        raise Refused(f"Syntax Error: {end} is missing")

    def _literal(self, token: str) -> Any:
        if token[0] == "$":
            return self.variables.get(token[1:])
        if token[0] == '"':
            return token[1:-1]
        if token.lstrip("-").isdigit():
            return int(token)
        return {"true": True, "false": False, "null": None}.get(token, token)
