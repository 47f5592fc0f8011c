"""Configurations composed in Python, without a command line."""

import pytest

from grit.config.configuration import composed_config
from grit.core.errors import GritError


@pytest.mark.parametrize("override", ["logger=null", "judge=", "seed=many", "nothing=1", "a b"])
def test_a_wrong_override_is_one_line(override: str) -> None:
    with pytest.raises(GritError) as raised:
        composed_config(override)
    assert "\n" not in str(raised.value)
