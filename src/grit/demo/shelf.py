"""What visitors leave, in memory: nothing of it is ever in a file."""

from collections import OrderedDict
from secrets import token_hex
from threading import Lock
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Shelf(Generic[Thing]):
    """The newest ``size`` things, each by an id that nobody can guess."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._things: OrderedDict[str, Thing] = OrderedDict()
        self._lock = Lock()

    def put(self, thing: Thing) -> str:
        """Keep a thing, and forget the one that nobody has wanted for longest; returns its id."""
        key = token_hex(16)
        with self._lock:
            self._things[key] = thing
            while len(self._things) > self.size:
                self._things.popitem(last=False)
        return key

    def get(self, key: object) -> Thing | None:
        """The thing, if it is still there; ``key`` is what a visitor has sent."""
        with self._lock:
            if not isinstance(key, str) or key not in self._things:
                return None
            self._things.move_to_end(key)
            return self._things[key]
