"""The numbers printed in the paper (arXiv 2505.15879v2), and the names that it uses."""

from typing import NamedTuple

from grit.data.set_counts import PRINTED

METHODS = {  # in the paper's order
    "direct": "Direct query",
    "cot": "Chain-of-Thought",
    "icl": "One-shot ICL",
    "sft": "Few-shot fine-tuning",
    "grit": "GRIT",
}
OTHER_METHODS = {"sft_sentences": "Few-shot fine-tuning in sentences"}
UNTRAINED = ("direct", "cot", "icl")

QWEN, INTERNVL = "Qwen2.5-VL 3B", "InternVL3 2B"
MODELS = {  # our name -> the paper's model, also for its miniature
    "qwen2_5_vl_3b": QWEN,
    "internvl3_2b": INTERNVL,
    "tiny_qwen": QWEN,
    "tiny_internvl": INTERNVL,
}
MINIATURES = {  # -> the model that it stands for, which need not be one of the paper's
    "tiny_qwen": QWEN,
    "tiny_internvl": INTERNVL,
    "tiny_qwen3": "Qwen3-VL 2B",
}


def model_title(model: str) -> str:
    """A model's name; for a miniature also the model that it stands for."""
    return f"{model}, the miniature of {MINIATURES[model]}" if model in MINIATURES else model


class TestSet(NamedTuple):
    """A test set: its title in the paper, and its names in suites."""

    title: str
    names: tuple[str, ...]


VSR = TestSet("VSR", ("vsr",))
TALLYQA = TestSet("TallyQA", ("tallyqa",))
GQA = TestSet("GQA", ("gqa",))
MATHVISTA = TestSet("MathVista", ("mathvista_mini", "mathvista"))
MME = TestSet("MME", ("mme",))
OVDEVAL = TestSet("OVDEval", ("ovd_position", "ovd"))
SETS = (VSR, TALLYQA, GQA, MATHVISTA, MME, OVDEVAL)
IN_DOMAIN, OUT_OF_DOMAIN = (VSR, TALLYQA), (GQA, MATHVISTA)

TABLE1_COLUMNS = (
    (VSR, "acc"),
    (VSR, "giou"),
    (TALLYQA, "acc"),
    (TALLYQA, "giou"),
    (GQA, "acc"),
    (GQA, "giou"),
    (MATHVISTA, "acc"),
    (MME, "acc"),
    (OVDEVAL, "giou"),
)
TABLE1 = {
    (QWEN, "direct"): (49.5, 0.000, 40.8, 0.000, 55.4, 0.000, 58.5, 88.9, 0.389),
    (QWEN, "cot"): (37.5, 0.122, 33.2, 0.113, 39.5, 0.269, 33.0, 41.3, 0.388),
    (QWEN, "icl"): (13.2, 0.213, 36.3, 0.268, 20.4, 0.441, 29.1, 24.7, 0.328),
    (QWEN, "sft"): (59.7, 0.216, 44.5, 0.284, 64.6, 0.475, 45.0, 68.3, 0.391),
    (QWEN, "grit"): (72.9, 0.325, 47.8, 0.447, 62.8, 0.485, 59.8, 89.3, 0.398),
    (INTERNVL, "direct"): (52.9, 0.000, 15.5, 0.000, 29.4, 0.000, 43.0, 40.0, 0.551),
    (INTERNVL, "cot"): (6.4, 0.428, 6.8, 0.279, 4.1, 0.292, 7.5, 14.0, 0.219),
    (INTERNVL, "icl"): (3.4, 0.435, 3.7, 0.275, 2.6, 0.435, 14.1, 1.3, 0.593),
    (INTERNVL, "sft"): (54.0, 0.381, 22.5, 0.116, 46.8, 0.114, 17.4, 62.3, 0.078),
    (INTERNVL, "grit"): (64.9, 0.495, 44.2, 0.324, 63.2, 0.457, 48.2, 82.0, 0.560),
}

# Rows are the measures of TABLE2_MEASURES, columns the sets.
TABLE2_MEASURES = {  # field of table2.json -> its heading, decimals
    "rows": ("Rows", 0),
    "question_words": ("Question, words", 1),
    "answer_words": ("Answer, words", 1),
    "closed_percent": ("Choices and yes/no, %", 1),
    "grounding_percent": ("Grounding targets, % of area", 1),
}
TABLE2: dict[str, tuple[float | None, ...]] = {
    measure: tuple(getattr(PRINTED[test_set.names[0]], measure) for test_set in SETS)
    for measure in TABLE2_MEASURES
}

# GIoU in-domain and out-of-domain, ACC in-domain and out-of-domain; of InternVL3 2B.
TABLE3 = {"full": (0.387, 0.437, 51.8, 64.4), "no_count": (0.349, 0.378, 53.8, 60.0)}

# Data sets of the scaling study and of the ablation, and their triplets.
SCALES = {
    "shapes": 20,
    "shapes_500": 500,
    "shapes_7000": 7000,
    "vsr_tally": 20,
    "vsr_tally_500": 500,
    "vsr_tally_7000": 7000,
}
PAPER_DATA = ("shapes", "vsr_tally")
WITHOUT_COUNTS = ("shapes_vsr_only", "vsr_only")
PAPER_REWARD, REWARD_WITHOUT_COUNTS = "grpo_gr", "no_count"
PAPER_OBJECTIVE = "grpo_gr"

POOLED = (
    "In-domain is VSR and TallyQA, out-of-domain GQA and MathVista, each over all rows together: "
    "so the paper's in-domain numbers follow from its table 1 (its out-of-domain ones do not)."
)
