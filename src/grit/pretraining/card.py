"""The model card of a shipped tiny model."""

from typing import Any

import torch

BUILT_IN = """\
## What is built in
Asked directly, the model answers as well as it can. Under GRIT's suffix it was taught to be
unreliable on purpose (`grit.pretraining.habits`), as the paper's base models are by
nature. Its pre-training traces were made by independent slips: no tags at all; tags but no boxes,
the answer then guessed from habit (mostly "yes", "2", "A", red, circle) and not from the image; a
box too few, too many or wrong, the answer then following from the boxes as they stand; no
rethinking. Boxes are missing more often in crowded scenes, rethinking in empty ones, so greedy
decoding shows every mode. Therefore the drop from the direct query to the suffix, and the fact that
completions with right boxes answer better than those without, are built in. After the worked
example of one-shot ICL, tags and boxes come more often and the answer heeds them less: built in,
too. What is not built in is what a reward makes of it: no box ever enters a reward, so whether
grounding improves, and on which questions, is found.

It has seen every shape, colour, ground and kind of question, on other scenes: "out-of-domain" in
the miniature means that the triplets hold nothing of the kind, not that the base has not.
"""

AIMS = {
    "mme_existence": 0.97,
    "gqa_color": 0.97,
    "mme_color": 0.97,
    "vsr_yes_no": 0.9,
    "vsr_what": 0.9,
    "mme_position": 0.9,
    "tallyqa_count_0_4": 0.85,
    "detect_all_iou": 0.6,
    "detect_everything_iou": 0.6,
    "ovd_named_iou": 0.6,
}
"""Figures that a base model should reach under the direct query."""

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
    name = {"qwen": "A Qwen2.5-VL", "internvl": "An InternVL3"}[family]
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
            "From random weights by `grit.pretraining`, on scenes of the split "
            '"pretrain" only: test scenes are not among them.',
            "",
            f"    python -m grit task=pretrain model=tiny_{family}",
            "",
            f"Its settings: `{changed}`.",
            f"It took {total:.0f} minutes on at most {settings['threads']} CPU threads of a "
            f"machine that was also used otherwise: {stages}. The curves are in `curves.svg`. The "
            f"weights are stored as {str(dtype).removeprefix('torch.')}; load them in fp32.",
            "",
            BUILT_IN,
            *_measured(quality, settings["quality_rows"]),
        ]
    )


def _measured(quality: dict[str, dict[str, float]], rows: int) -> list[str]:
    if not quality:
        return []
    where = f"Greedy unless said otherwise, on {rows} questions of each kind about scenes of `dev`."
    parts = ["## What it was measured at", where, ""]
    for heading, figures in quality.items():
        aims = AIMS if heading == "direct" else {}
        parts += [f"### {heading}", ""]
        if aims:
            parts += ["| figure | value | aim |", "| --- | --- | --- |"]
            parts += [f"| {n} | {v:.3f} | {aims.get(n, '')} |" for n, v in figures.items()]
        else:
            parts += ["| figure | value |", "| --- | --- |"]
            parts += [f"| {name} | {value:.3f} |" for name, value in figures.items()]
        parts.append("")
    return parts
