"""Image features of a frozen vision tower, kept across steps."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor

MEBIBYTE = 2**20


class FeatureCache:
    """The features of the pictures seen last, by their content, up to ``limit`` bytes.

    It is for a vision tower that does not learn. The features stay on the device where they were
    computed.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.hits = 0
        self._kept: OrderedDict[str, Tensor] = OrderedDict()

    def get(
        self, keys: Sequence[str], compute: Callable[[list[int]], Sequence[Tensor]]
    ) -> list[Tensor]:
        """The features of each key; ``compute`` is asked for the places of those not kept.

        A key that appears several times is computed once.
        """
        missing = {key: i for i, key in reversed(list(enumerate(keys))) if key not in self._kept}
        self.hits += len(keys) - len(missing)
        places = sorted(missing.values())
        new = dict(zip((keys[i] for i in places), compute(places), strict=True)) if places else {}
        found = [new[key] if key in new else self._used(key) for key in keys]
        for key, features in new.items():
            self._keep(key, features)
        return found

    def _used(self, key: str) -> Tensor:
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: str, features: Tensor) -> None:
        features = features.detach().clone()  # not a view that would hold a whole batch
        self._kept[key] = features
        self.bytes += features.nbytes
        while self.bytes > self.limit:
            self.bytes -= self._kept.popitem(last=False)[1].nbytes
