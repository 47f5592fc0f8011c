"""Drawn scenes of coloured shapes with exact boxes, and questions about them."""

from grit.data.shapes.ideal_traces import ideal_trace
from grit.data.shapes.source import ShapesSource

__all__ = ["ShapesSource", "ideal_trace"]
