"""The corpus on which the tokenizer of a tiny model is trained: prompts and completions."""

from collections.abc import Iterator

from grit.data.shapes.scenes import scene_for
from grit.models.tiny_families import FAMILIES
from grit.models.tiny_tokenizer import Family
from grit.pretraining.lessons import ANSWERS, HABITS, turns_about

SCENES_READ = 600
CHAT_WORDS = "system\nuser\nassistant\n"  # the words of the chat template


def corpus(family: Family, seed: int) -> Iterator[str]:
    """Prompts and completions about a few hundred scenes; the same for the same seed."""
    style, space = FAMILIES[family].style, FAMILIES[family].space
    for i in range(SCENES_READ):
        yield CHAT_WORDS
        scene = scene_for("pretrain", seed, "vocabulary", i)
        for turn in turns_about(scene, (ANSWERS, HABITS)[i % 2], style, space, seed, i, 0):
            yield turn.prompt
            yield turn.completion
