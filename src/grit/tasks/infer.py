"""``task=infer``: asks a model about images, and shows its chains as it writes them."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from grit.config.identity import code_hash, config_hash
from grit.config.schema import Config
from grit.core import interruption
from grit.core.errors import Resumable
from grit.core.fingerprints import fingerprint
from grit.inference.answer_files import PartialRows, write_answers
from grit.inference.answers import Answer
from grit.inference.grounded_model import GroundedModel
from grit.inference.live_text import LiveText
from grit.inference.questions import Asked, asked
from grit.inference.sources import source_of
from grit.runs.folder import RunFolder

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Print each chain as it is written; write ``inference.jsonl``, pictures and a page.

    Images and questions are read before a model is loaded. With ``resume``, answers that a run in
    this folder has left are kept.

    Raises:
        GritError: an image, a question or the model cannot be read; nothing is written then.
    """
    questions = asked(config.image, config.question, config.input, seed=config.seed)
    rows = PartialRows(folder, _fingerprint(config, questions), config.samples)
    done = rows.done() if config.resume else []
    former = [(questions[at // config.samples], row) for at, row in enumerate(done)]
    left = questions[len(done) // config.samples :]
    if done:
        log.info("resume=true: %d of %d questions are left", len(left), len(questions))
    run = RunFolder(folder, tuple(overrides), resumed=False, checkpoint=None)
    again = None if interruption.whole() else run.resume_command()  # jobs before it would be asked
    interruption.set_resume_command(again)
    try:
        with closing(GroundedModel(source_of(config, overrides), folder)) as model:
            shown = LiveText(left, config.samples, model.adapter.decode)
            groups = model.answered(left, config.samples, seed=config.seed, watch=shown.watch)

            def answers() -> Iterator[Answer]:
                for group in groups:
                    shown.finish([group])
                    yield from group

            for path in write_answers(answers(), folder, model.name, rows, former=former):
                log.info("%s", path)
    except Resumable as error:
        raise Resumable(f"{error}; go on with: {again}" if again else str(error)) from error


def _fingerprint(config: Config, questions: Sequence[Asked]) -> str:
    """Equal for the same questions about the same pictures to a model of the same name."""
    about: list[Any] = [(each.image, each.picture.key, each.question) for each in questions]
    return fingerprint(
        [config_hash(config), code_hash(config), config.checkpoint, config.samples, about]
    )
