import pytest

from grit.tracking.panels import panel


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("train/kl", "train/kl"),
        ("epoch", "epoch"),
        ("train/seconds/rollout", "seconds/rollout"),
        ("train/reward/vsr", "reward/vsr"),
        ("train/reward_part/judge", "reward_part/judge"),
        ("train/reward_part/vsr/judge", "reward_part_vsr/judge"),
    ],
)
def test_panels_have_sections(name, expected):
    assert panel(name) == expected
