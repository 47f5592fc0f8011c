"""``task=infer``: asks a model about images, and shows its chains as it writes them."""

import logging
from contextlib import closing
from pathlib import Path

from grit.config.schema import Config
from grit.inference.answer_files import write_answers
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
        answers = model.answers(questions, config.samples, seed=config.seed, watch=shown.watch)
        shown.finish(answers)
    rows = [answer for group in answers for answer in group]
    for path in write_answers(rows, folder, model.name):
        log.info("%s", path)
