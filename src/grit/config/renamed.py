"""Settings and values of former versions: stored runs have those, and users' scripts."""

from typing import Any

RENAMED = {
    "training.sampling": "rollout.sampling",
    "training.share_prefill": "rollout.share_prefill",
    "training.compact_rollout": "rollout.compact",
    "training.decode": "rollout.decode",
    "training.tokens_per_rollout_batch": "rollout.tokens_per_batch",
}
"""Former path -> present path; the settings below a group keep their names."""
GONE = {("rollout", "decode", "compiled"): "auto"}
"""Group, setting and value that went -> the value that gives the same tokens."""


def present_name(path: str) -> str | None:
    """The present path of a former setting; None if it has none."""
    for former, present in RENAMED.items():
        if path == former or path.startswith(f"{former}."):
            return present + path.removeprefix(former)
    return None


def with_present_names(values: dict[str, Any]) -> dict[str, Any]:
    """A stored configuration with its renamed settings moved; ``values`` are not changed."""
    moved = {
        name: dict(group) if isinstance(group, dict) else group for name, group in values.items()
    }
    for former, present in RENAMED.items():
        (group, name), (new_group, new_name) = former.split("."), present.split(".")
        if isinstance(moved.get(group), dict) and name in moved[group]:
            moved.setdefault(new_group, {})[new_name] = moved[group].pop(name)
    for (group, name, former), present in GONE.items():
        if isinstance(moved.get(group), dict) and moved[group].get(name) == former:
            moved[group][name] = present
    data = moved.get("data")
    if isinstance(data, dict) and data.get("total") is not None and data.get("sources"):
        # The last source makes up the total: the size that former versions stored meant nothing.
        name, last = list(data["sources"].items())[-1]
        if isinstance(last, dict) and last.get("file"):
            data["sources"] = data["sources"] | {name: last | {"rows": None}}
    return moved
