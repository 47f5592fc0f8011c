"""``task=infer``: asks a model about images, and shows its chains as it writes them."""

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from grit.config.schema import Config
from grit.inference.answer_files import write_answers
from grit.inference.answers import Answer
from grit.inference.grounded_model import GroundedModel
from grit.inference.live_text import LiveText
from grit.inference.questions import asked
from grit.inference.sources import source_of

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Print each chain as it is written; write ``inference.jsonl``, pictures and a page.

    Images and questions are read before a model is loaded.

    Raises:
        GritError: an image, a question or the model cannot be read; nothing is written then.
    """
    questions = asked(config.image, config.question, config.input, seed=config.seed)
    with closing(GroundedModel(source_of(config, overrides), folder)) as model:
        shown = LiveText(questions, config.samples, model.adapter.decode)
        groups = model.answered(questions, config.samples, seed=config.seed, watch=shown.watch)

        def answers() -> Iterator[Answer]:
            for group in groups:
                shown.finish([group])
                yield from group

        for path in write_answers(answers(), folder, model.name, several=config.samples > 1):
            log.info("%s", path)
