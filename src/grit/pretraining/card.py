"""The model card of a shipped tiny model."""

from typing import Any

import torch

from grit.models.tiny_families import FAMILIES

BUILT_IN = """\
## What is built in
1. It was taught boxes and ideal chains first and longest, so it points well. Questions of several
   steps ("Is the star left of the ring?", "How many stars?") it was asked to answer at once only
   in one short stage and in passing after it: it answers them weakly, as the paper's bases do,
   because it had little practice, and no answer was spoilt.
2. Under GRIT's suffix it was taught to be unreliable (`grit.pretraining.habits`), by independent
   slips: no tags; tags but no boxes, the answer then guessed (mostly "yes", "2", "A", red,
   circle); a box too few, too many or wrong; no rethinking. Boxes are missing more often in
   crowded scenes, rethinking in empty ones, so greedy decoding shows every mode. After the worked
   example tags and boxes come more often and the answer heeds them less.
3. People's sentences around boxes ("I look for every star in the image: ...") it has seen as
   explanations, a small share, and never under the suffix or with tags.
4. It has seen every shape, colour, ground and kind of question, on other scenes: "out-of-domain"
   means that the triplets hold nothing of the kind. It has never seen a scene of the splits train,
   dev and test, nor a reward.
5. So these of the paper's claims are likely from the start: format, GRIT above Chain-of-Thought,
   and that chains with right boxes answer better. These are open: GRIT above the direct query,
   above in-context learning and above both kinds of fine-tuning, boxes that improve without a
   reward for them, counting data, more triplets, correlation, attention, and other kinds of
   question.
"""

AIMS = {
    "mme_existence": 0.9,
    "gqa_color": 0.9,
    "mme_color": 0.9,
    "detect_all_iou": 0.6,
    "detect_everything_iou": 0.6,
    "ovd_named_iou": 0.75,
}
"""Figures that a base model should reach under the direct query."""

PROFILE = {"vsr_acc": (0.5, 0.6), "tallyqa_acc": (0.35, 0.5)}
"""Where the accuracy of the direct query should lie on the in-domain sets, near the paper's."""

_AIMED = {name: f"at least {aim}" for name, aim in AIMS.items()} | {
    name: f"{low} to {high}" for name, (low, high) in PROFILE.items()
}
COMMON_SETTINGS = ("seed", "threads")  # not in the section `pretrain`


def model_card(
    settings: dict[str, Any],
    seconds: dict[str, float],
    quality: dict[str, dict[str, float]],
    dtype: torch.dtype,
    parameters: int,
) -> str:
    """Markdown: what the model is, how it was made, what is built in, and its measured figures."""
    family = settings["family"]
    title = FAMILIES[family].title
    name = f"{'An' if title[0] in 'AEIOU' else 'A'} {title}"
    overrides = {key: f"{'' if key in COMMON_SETTINGS else 'pretrain.'}{key}" for key in settings}
    changed = " ".join(f"{overrides[key]}={settings[key]}" for key in settings if key != "family")
    stages = ", ".join(f"{stage} {value / 60:.1f} min" for stage, value in seconds.items())
    total = sum(seconds.values()) / 60
    return "\n".join(
        [
            f"# tiny_{family}",
            "",
            f"{name} of {parameters / 1e6:.1f} million parameters: the same classes of "
            "transformers as the big model, a small configuration, its own tokenizer. It knows "
            "nothing but drawn scenes of coloured shapes (96 x 96 pixels), and exists so that "
            "GRPO-GR can be watched, tested and compared in minutes on a laptop. It is of no use "
            "on photographs.",
            "",
            "## How it was made",
            f"{_origin(settings)} by `grit.pretraining`, on scenes of the split "
            '"pretrain" only: test scenes are not among them.',
            "",
            f"    python -m grit task=pretrain model=tiny_{family}",
            "",
            f"Its settings: `{changed}`.",
            f"It took {total:.0f} minutes on at most {settings['threads']} CPU threads of a "
            f"machine that was also used otherwise: {stages}. The weights are stored as "
            f"{str(dtype).removeprefix('torch.')}; load them in fp32.",
            "",
            BUILT_IN,
            *_measured(quality, settings["quality_rows"]),
        ]
    )


def _origin(settings: dict[str, Any]) -> str:
    if settings["vision"]:
        return f"From random weights, but for the vision part of `{settings['vision']}`,"
    return "From random weights"


def _measured(quality: dict[str, dict[str, float]], rows: int) -> list[str]:
    if not quality:
        return []
    where = f"Greedy unless said otherwise, on {rows} questions of each kind about scenes of `dev`."
    parts = ["## What it was measured at", where, ""]
    for heading, figures in quality.items():
        aims = _AIMED if heading == "direct" else {}
        parts += [f"### {heading}", ""]
        if aims:
            parts += ["| figure | value | aim |", "| --- | --- | --- |"]
            parts += [f"| {n} | {v:.3f} | {aims.get(n, '')} |" for n, v in figures.items()]
        else:
            parts += ["| figure | value |", "| --- | --- |"]
            parts += [f"| {name} | {value:.3f} |" for name, value in figures.items()]
        parts.append("")
    return parts
