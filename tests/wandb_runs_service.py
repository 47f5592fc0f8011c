"""Weights & Biases on loopback for runs that are logged online: it keeps what they send."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat_service import Play, Request, sends
from graphql_answers import Refused
from wandb_service import ENTITY, WandbService, logged_run

_SENT = {  # a field of the run -> what it is called when it is sent
    "displayName": "displayName",
    "group": "groupName",
    "jobType": "jobType",
    "sweepName": "sweep",
    "tags": "tags",
    "config": "config",
    "summaryMetrics": "summaryMetrics",
}


@dataclass
class Artifact:
    """Files under names that are found by the artifact's own."""

    name: str
    type: str
    run: str
    state: str = "PENDING"
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def manifest(self) -> dict[str, Any]:
        """What should be in it."""
        return json.loads(self.files["wandb_manifest.json"])["contents"]


@dataclass
class Sent:
    """What a run has sent, apart from what a list of runs shows."""

    history: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Place:
    """Where the bytes for a signed address go, and what their MD5 must be."""

    files: dict[str, bytes]
    name: str
    md5: str | None


class WandbRunsService(WandbService):
    """Takes GraphQL, lines of ``file_stream``, and files at addresses that it has signed itself."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, Sent] = {}  # by the run's name, which is its id in the client
        self.artifacts: dict[str, Artifact] = {}  # by id
        self._places: dict[str, Place] = {}  # by address

    def _play(self, request: Request) -> Play:
        with self._lock:  # the client asks for several things at a time
            return super()._play(request)

    def _allowed(self, request: Request) -> bool:
        return request.path.startswith("/storage/") or super()._allowed(request)

    def _other(self, request: Request) -> Play:
        if request.path.startswith("/storage/"):
            return self._store(request)
        *_, run, name = request.path.split("/")
        if name == "file_stream" and run in self.sent:
            return self._stream(run, request.body)
        return super()._other(request)

    def _known(self) -> Mapping[str, Any]:
        return super()._known() | {
            "upsertBucket": self._upsert_run,
            "createRunFiles": self._create_files,
            "createArtifact": self._create_artifact,
            "createArtifactFiles": self._create_artifact_files,
            "createArtifactManifest": self._create_manifest,
            "commitArtifact": self._commit,
        }

    def _project(self, name: str, entityName: str) -> dict[str, Any] | None:
        found = super()._project(name, entityName)
        return found and found | {"artifact": lambda name: None}  # every one is its run's own

    def _upsert_run(self, input: Mapping[str, Any]) -> dict[str, Any]:
        if input["entityName"] not in (None, ENTITY):
            raise Refused("permission denied")
        name, project = input["name"], input["modelName"]
        runs = self.projects.setdefault(project, [])
        is_new = name not in self.sent
        if is_new:
            self.sent[name] = Sent()
            runs.append(logged_run(name, {}, state="running"))
        run = next(run for run in runs if run["name"] == name)
        run |= {ours: input[theirs] for ours, theirs in _SENT.items() if input[theirs] is not None}
        owner = {"id": "id-entity", "name": ENTITY}
        kept = {"project": {"id": f"id-{project}", "name": project, "entity": owner}}
        return {"bucket": run | kept, "inserted": is_new}

    def _create_files(self, input: Mapping[str, Any]) -> dict[str, Any]:
        kept = self.sent[input["runName"]].files
        files = [{"name": name, "uploadUrl": self._signed(kept, name)} for name in input["files"]]
        return {"runID": f"id-{input['runName']}", "uploadHeaders": [], "files": files}

    def _create_artifact(self, input: Mapping[str, Any]) -> dict[str, Any]:
        made = Artifact(
            input["artifactCollectionName"], input["artifactTypeName"], input["runName"]
        )
        known = f"id-artifact{len(self.artifacts)}"
        self.artifacts[known] = made
        return {"artifact": {"id": known, "state": made.state, "artifactSequence": None}}

    def _create_manifest(self, input: Mapping[str, Any]) -> dict[str, Any]:
        known = input["artifactID"]
        url = self._signed(self.artifacts[known].files, input["name"], input["digest"] or None)
        file = {"id": "id-file", "uploadUrl": url, "uploadHeaders": []}
        return {"artifactManifest": {"id": f"id-manifest-{known}", "file": file}}

    def _create_artifact_files(self, input: Mapping[str, Any]) -> dict[str, Any]:
        def node(asked: Mapping[str, Any]) -> dict[str, Any]:
            known, name = asked["artifactID"], asked["name"]
            return {
                "storagePath": f"{known}/{name}",
                "uploadUrl": self._signed(self.artifacts[known].files, name, asked["md5"]),
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": known},
            }

        return {"files": {"edges": [{"node": node(asked)} for asked in input["artifactFiles"]]}}

    def _commit(self, input: Mapping[str, Any]) -> dict[str, Any]:
        artifact = self.artifacts[input["artifactID"]]
        missing = artifact.manifest.keys() - artifact.files.keys()
        if missing:
            raise Refused(f"not uploaded: {', '.join(sorted(missing))}")
        artifact.state = "COMMITTED"
        return {"artifact": {"id": input["artifactID"], "digest": "digest"}}

    def _signed(self, files: dict[str, bytes], name: str, md5: str | None = None) -> str:
        address = f"/storage/{len(self._places)}?signature=made4up{len(self._places)}"
        self._places[address] = Place(files, name, md5)
        return f"{self.url}{address}"

    def _store(self, request: Request) -> Play:
        place = self._places.get(request.path)
        if place is None or "authorization" in request.headers:  # what is signed needs no key
            return sends(403, "this is not what was signed", "text/plain")
        digest = base64.b64encode(hashlib.md5(request.body).digest()).decode()
        if place.md5 not in (None, digest):
            return sends(400, "BadDigest", "text/plain")
        place.files[place.name] = request.body
        return sends(200, "", "text/plain")

    def _stream(self, name: str, body: Mapping[str, Any]) -> Play:
        run = next(run for runs in self.projects.values() for run in runs if run["name"] == name)
        files = body.get("files", {})
        if lines := files.get("wandb-history.jsonl"):
            history = self.sent[name].history
            history[lines["offset"] :] = map(json.loads, lines["content"])
            run["historyLineCount"] = len(history)
        if lines := files.get("wandb-summary.json"):
            run["summaryMetrics"] = lines["content"][-1]
        if body.get("complete"):
            run["state"] = "failed" if body["exitcode"] else "finished"
        return sends(200, {})
