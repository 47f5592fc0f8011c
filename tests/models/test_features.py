import torch

from grit.models.features import FeatureCache


def features_of(keys, asked):
    """Computes features that tell their key, and notes what was asked for."""

    def compute(places):
        asked.append([keys[i] for i in places])
        return [torch.full((4, 2), float(ord(keys[i]))) for i in places]

    return compute


def test_each_picture_is_computed_once():
    cache, asked = FeatureCache(10**6), []
    for keys in ("aba", "abc", "cab"):
        found = cache.get(list(keys), features_of(keys, asked))
        assert [chr(int(f[0, 0])) for f in found] == list(keys)
    assert asked == [["a", "b"], ["c"]]
    assert cache.hits == 1 + 2 + 3


def test_the_pictures_used_last_are_kept_within_the_limit():
    size = torch.zeros(4, 2).nbytes
    cache, asked = FeatureCache(2 * size), []
    for keys in ("ab", "a", "c", "a", "b"):
        cache.get(list(keys), features_of(keys, asked))
        assert cache.bytes <= 2 * size
    assert asked == [["a", "b"], ["c"], ["b"]]  # c took the place of b, not of a


def test_what_does_not_fit_is_still_given():
    cache, asked = FeatureCache(1), []
    assert len(cache.get(["a", "b"], features_of("ab", asked))) == 2
    assert cache.bytes == 0
