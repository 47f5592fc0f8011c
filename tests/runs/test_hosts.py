"""Hosts of one run have the same settings, code and files."""

import pytest

from grit.core import processes
from grit.core.errors import GritError
from grit.runs.inputs import check_hosts

READ = {"the settings": "a", "the training rows": "b"}


@pytest.mark.parametrize(
    ("theirs", "named"),
    [
        ({"the training rows": "c"}, "the training rows on second differ from those on first"),
        ({"the settings": "c"}, "the settings on second differ"),
        ({"the base": "c"}, "the base on second differ"),
    ],
)
def test_a_host_that_differs_ends_every_rank(monkeypatch, theirs, named):
    gathered = [("first", READ), ("first", None), ("second", READ | theirs), ("second", None)]
    monkeypatch.setattr(processes, "all_gather", lambda value: gathered)
    for rank in gathered:
        with pytest.raises(GritError, match=named):
            check_hosts(rank[1])


def test_hosts_that_agree_go_on(monkeypatch):
    monkeypatch.setattr(processes, "all_gather", lambda _: [("a", READ), ("a", None), ("b", READ)])
    check_hosts(READ)
    monkeypatch.undo()
    check_hosts(READ)  # a process alone
