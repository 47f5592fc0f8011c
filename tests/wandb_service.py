"""Weights & Biases on loopback: a real HTTP server that knows users, projects, runs and reports."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from chat_service import ChatService, Play, Request, _Handler, sends
from graphql_answers import Refused, answer

KEY = "wandb_v1_" + "made4up2for3the5tests1" * 2
ENTITY = "somebody"
TIME = "2026-01-02T03:04:05Z"


class WandbService(ChatService):
    """Answers what the installed ``wandb`` asks; ``trouble`` plays where it names the operation."""

    def __init__(self) -> None:
        super().__init__()
        self.projects: dict[str, list[dict[str, Any]]] = {}  # runs, as the server keeps them
        self.reports: list[dict[str, Any]] = []
        self.trouble: dict[str, Play] = {}

    @property
    def operations(self) -> list[str]:
        """What was asked, in order."""
        return [operation(request) for request in self.requests]

    def handle(self, handler: _Handler, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
        self._play(request)(handler)

    def _play(self, request: Request) -> Play:
        for name, play in self.trouble.items():
            if operation(request).startswith(name):
                return play
        if not self._allowed(request):
            return error(401, "invalid API key")
        if request.path != "/graphql":
            return self._other(request)
        try:
            data = answer(request.body["query"], request.body.get("variables") or {}, self._known())
        except Refused as refused:
            return error(200, str(refused))
        return sends(200, {"data": data})

    def _allowed(self, request: Request) -> bool:
        return _key_of(request) == KEY

    def _other(self, request: Request) -> Play:
        """An address that is not GraphQL's."""
        return error(404, f"there is no {request.path}")

    def _known(self) -> Mapping[str, Any]:
        return {
            "viewer": _user(),
            "serverInfo": {"features": []},
            "project": self._project,
            "models": self._models,
            "upsertModel": self._upsert_project,
            "upsertView": self._upsert_view,
        }

    def _project(self, name: str, entityName: str) -> dict[str, Any] | None:
        if entityName != ENTITY or name not in self.projects:
            return None
        runs = self.projects[name]

        def page(first: int, after: str | None, order: str, **_: Any) -> dict[str, Any]:
            start = 0 if after is None else int(after)
            ordered = runs[::-1] if order == "-created_at" else runs
            shown = list(enumerate(ordered, start=1))[start : start + first]
            edges = [{"cursor": str(at), "node": run} for at, run in shown]
            more = start + first < len(runs)
            return _connection(edges, end=edges[-1]["cursor"] if edges else None, more=more)

        return _described(name) | {
            "internalId": "7",
            "readOnly": False,
            "runCount": lambda filters: len(runs),
            "runs": page,
            "run": lambda name: next((run for run in runs if run["name"] == name), None),
        }

    def _models(self, entityName: str, after: str | None, first: int) -> dict[str, Any]:
        names = list(self.projects) if entityName == ENTITY else []
        return _connection([{"node": _described(name)} for name in names], end=None, more=False)

    def _upsert_project(self, input: Mapping[str, Any]) -> dict[str, Any]:
        self.projects.setdefault(input["name"], [])
        made = _described(input["name"]) | {"description": None, "access": None, "views": "{}"}
        return {"project": made, "model": made, "inserted": True}

    def _upsert_view(self, input: Mapping[str, Any]) -> dict[str, Any]:
        if input["entityName"] != ENTITY:
            raise Refused("permission denied")
        made = {
            name: input[name] for name in ("name", "displayName", "description", "spec", "type")
        }
        made |= {"id": f"VmlldzoxMjM0NTY{len(self.reports)}", "updatedAt": TIME, "createdAt": TIME}
        made["project"] = _described(input["projectName"])
        self.reports.append(made)
        return {"view": made, "inserted": True}


def logged_run(name: str, summary: Mapping[str, Any], state: str = "finished") -> dict[str, Any]:
    """A run as the server keeps it: summary and configuration are JSON in strings."""
    return {
        "id": f"id-{name}",
        "projectId": "7",
        "name": name,
        "displayName": f"name of {name}",
        "state": state,
        "summaryMetrics": json.dumps(summary),
        "config": "{}",
        "systemMetrics": "{}",
        "historyKeys": None,
        "historyLineCount": 1,
        "tags": [],
        "user": {"name": ENTITY, "username": ENTITY},
        "createdAt": TIME,
        "heartbeatAt": TIME,
        "readOnly": False,
    } | dict.fromkeys(("sweepName", "group", "jobType", "commit", "description", "notes"))


def error(status: int, message: str) -> Play:
    """An error as GraphQL tells it."""
    return sends(status, {"data": None, "errors": [{"message": message}]})


def operation(request: Request) -> str:
    """The name of what is asked for: ``query Runs(...)`` is ``Runs``; elsewhere the address."""
    if request.path != "/graphql":
        return request.path
    words = request.body["query"].replace("(", " ").replace("{", " ").split()
    return words[next(at for at, word in enumerate(words) if word in ("query", "mutation")) + 1]


def _key_of(request: Request) -> str:
    coded = request.headers.get("authorization", "").removeprefix("Basic ")
    return base64.b64decode(coded).decode().partition(":")[2]


def _described(name: str) -> dict[str, Any]:
    return {
        "__typename": "Project",
        "id": f"id-{name}",
        "name": name,
        "entityName": ENTITY,
        "createdAt": TIME,
        "isBenchmark": False,
        "user": _user(),
    }


def _user() -> dict[str, Any]:
    return {
        "id": "id-user",
        "name": ENTITY,
        "username": ENTITY,
        "email": None,
        "admin": False,
        "flags": "{}",
        "entity": ENTITY,
        "deletedAt": None,
        "apiKeys": {"edges": []},
        "teams": {"edges": []},
    }


def _connection(edges: Sequence[Any], *, end: str | None, more: bool) -> dict[str, Any]:
    info = {"__typename": "PageInfo", "endCursor": end, "hasNextPage": more}
    return {"edges": list(edges), "pageInfo": info}
