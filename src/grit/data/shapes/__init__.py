"""Drawn scenes of coloured shapes with exact boxes, and questions about them."""

from grit.data.shapes.ideal_traces import ideal_trace
from grit.data.shapes.kinds import KINDS, TEST_KINDS, questions_about
from grit.data.shapes.scenes import TWO_THINGS, Plan, Scene, scene_for, split_of
from grit.data.shapes.source import ShapesSource, sample_of
from grit.data.shapes.things import COLORS, SHAPES, SIZES, Thing

__all__ = [
    "COLORS",
    "KINDS",
    "SHAPES",
    "SIZES",
    "TEST_KINDS",
    "TWO_THINGS",
    "Plan",
    "Scene",
    "ShapesSource",
    "Thing",
    "ideal_trace",
    "questions_about",
    "sample_of",
    "scene_for",
    "split_of",
]
