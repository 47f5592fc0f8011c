"""The format reward of the paper (eq. 2): s_st scores the two tag pairs, s_bf the boxes."""

from grit.rewards.response import Response


def think_tags(response: Response) -> float:
    """1 for one well-placed ``<think>...</think>`` pair."""
    return float(response.trace.think_pair)


def rethink_tags(response: Response) -> float:
    """1 for one well-placed ``<rethink>...</rethink>`` pair after the think pair."""
    return float(response.trace.rethink_pair)


def box_format(response: Response) -> float:
    """1 for at least one box in the reasoning, wherever it lies in the image."""
    return float(bool(response.trace.boxes))
