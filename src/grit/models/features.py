"""A cache of the image features of a frozen vision tower."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor

MEBIBYTE = 2**20


class FeatureCache:
    """An LRU cache of image features by the picture's key, of at most ``limit`` bytes.

    Features stay on the device where they were computed.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.hits = 0
        self._features: OrderedDict[str, Tensor] = OrderedDict()

    def get(
        self, keys: Sequence[str], compute: Callable[[list[int]], Sequence[Tensor]]
    ) -> list[Tensor]:
        """The features of each key.

        ``compute`` gets the indices into ``keys`` of those that are missing, each key once.
        """
        missing: dict[str, int] = {}  # key -> its first index
        for i, key in enumerate(keys):
            if key not in self._features:
                missing.setdefault(key, i)
        self.hits += len(keys) - len(missing)
        new: dict[str, Tensor] = {}
        if missing:
            new = dict(zip(missing, compute(list(missing.values())), strict=True))
        features = [new[key] if key in new else self._cached(key) for key in keys]
        for key, computed in new.items():
            self._add(key, computed)
        return features

    def _cached(self, key: str) -> Tensor:
        self._features.move_to_end(key)
        return self._features[key]

    def _add(self, key: str, features: Tensor) -> None:
        features = features.detach().clone()  # a view would keep the whole batch alive
        self._features[key] = features
        self.bytes += features.nbytes
        while self.bytes > self.limit:
            self.bytes -= self._features.popitem(last=False)[1].nbytes
