"""The reward for models that point: whether the thought names a place at all."""

import re

from grit.rewards.response import Response

_NUMBER = r"\s*\d+(?:\.\d+)?\s*"
_POINT = re.compile(rf"\({_NUMBER},{_NUMBER}\)")


def vigorl(response: Response) -> float:
    """0.5 if at least one point "(x, y)" stands between ``<think>`` and ``</think>``, else 0.

    ViGoRL (2505.23678). It sees no annotation. It can be gamed: any two numbers in brackets pay,
    wherever they point.
    """
    return 0.5 * bool(_POINT.search(response.trace.think or ""))
