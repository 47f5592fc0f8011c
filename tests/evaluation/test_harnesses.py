"""Files of lmms-eval and VLMEvalKit: read as they write them, and written so that they come back.

Those in tests/samples/harnesses were written by the harnesses' own writers.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.evaluation.harness_files import write_harness_files
from grit.evaluation.predictions import Prediction, read_predictions
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import Box, Space
from grit.judge.rules import RulesJudge

SAMPLES = Path(__file__).parent.parent / "samples" / "harnesses"
GQA = SAMPLES / "20261129_220000_samples_gqa.jsonl"
ORIGINAL, RESIZED = Space("original", 200, 100), Space("resized", 100, 50)
CHAIN = (
    '<think> the "mug" [0, 0, 50, 50]\n</think>\n<rethink> it\tis left </rethink>\n<answer> left'
)
MUG = Prediction(
    set="vsr",
    row=0,
    id="vsr/1",
    question="Where is the mug?\nSay left or right.",
    truth="left",
    truth_is_box=False,
    dataset="vsr",
    completion=CHAIN,
    box_space=RESIZED,
    space=ORIGINAL,
    true_boxes=(Box(0, 0, 100, 100, ORIGINAL),),
    image="a1",
)
SILENT = replace(MUG, row=1, id="vsr/2", completion="", true_boxes=None, box_space=None, space=None)
POINTED = replace(
    MUG, set="ovd", id="ovd/1", dataset="ovd", truth="[0, 0, 100, 100]", truth_is_box=True, row=2
)


def test_samples_of_lmms_eval():
    left, red, man = read_predictions(GQA)
    assert {each.set for each in (left, red, man)} == {"gqa"}
    assert left.question.startswith("Is the mug left or right of the plate?\n")
    assert (left.truth, red.truth, man.truth) == ("left", "red", "man")
    assert left.completion.startswith("<think> the mug [12, 40, 80, 96]")
    assert red.completion == "<think> hm </think> Red"  # as it was before the filters
    assert man.completion == "man"


@pytest.mark.parametrize("suffix", ["tsv", "json"])
def test_tables_of_vlmevalkit(suffix):
    path = SAMPLES / "GRIT_3B" / f"GRIT_3B_MathVista_MINI.{suffix}"
    mugs, larger, sign = read_predictions(path)
    assert {each.set for each in (mugs, larger, sign)} == {"MathVista_MINI"}
    assert (mugs.truth, mugs.completion) == (
        "3",
        "<think>I see a mug [1, 2, 30, 40], another [50, 2, 70, 40]</think>\nthree",
    )
    assert larger.question == "Which is larger?\nA. the cat\nB. the dog"
    assert (larger.truth, larger.completion) == ("B", "B")
    assert sign.question == "Read the sign:\nwhat does it say?"


YEARS = replace(SILENT, row=3, id="vsr/3", truth="[2014, 2016]")  # as three of MathVista's are


@pytest.mark.parametrize("harness", ["lmms_eval", "vlmevalkit"])
def test_what_is_written_is_read_again(harness, tmp_path):
    sets = {"vsr": scored(MUG, SILENT, YEARS), "ovd": scored(POINTED)}
    files = list(write_harness_files([harness], sets, tmp_path, "org/tiny_qwen"))
    assert [path.parent.name for path in files] == ["org__tiny_qwen"] * 2
    again = [prediction for path in files for prediction in read_predictions(path)]
    for former, now in zip((MUG, SILENT, YEARS, POINTED), again, strict=True):
        assert replace(now, row=former.row, id=former.id) == former
    assert [row.giou for row in scored(*again)] == [1.0, None, None, 1.0]


def test_a_row_for_lmms_eval_has_its_fields_and_our_scores(tmp_path):
    sets = {"vsr": scored(MUG)}
    (path,) = write_harness_files(["lmms_eval"], sets, tmp_path, "tiny_qwen")
    written, theirs = (json.loads(file.read_text().splitlines()[0]) for file in (path, GQA))
    assert theirs.keys() - {"resps"} <= written.keys()
    assert (written["score"], written["giou"], written["format"]) == (1.0, 1.0, 1.0)
    assert (written["filtered_resps"], written["resps"]) == ("left", [CHAIN])
    assert path.name.endswith("_samples_vsr.jsonl")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.xlsx", "", "PRED_FORMAT=tsv"),
        ("x.tsv", "", "expected a row for each question"),
        ("x.json", "{}", "expected a row for each question"),
        ("x.json", "[", "is no table of VLMEvalKit: Expecting value"),
        ("x.tsv", "index\tquestion\tanswer\n1\ta\tb\n", 'x.tsv line 2: field "prediction"'),
        (
            "x.tsv",
            "question\tanswer\tprediction\na\tb\tFailed to obtain answer: timeout\n",
            "expected an answer: VLMEvalKit got none",
        ),
        (
            "mine.jsonl",
            '{"doc_id": 0, "filtered_resps": "a", "target": "a", "input": "q"}',
            "DATE_samples_TASK.jsonl",
        ),
    ],
)
def test_other_files_are_refused(name, text, said, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(GritError, match=said):
        read_predictions(path)


def test_scores_of_given_answers_are_no_predictions():
    path = SAMPLES / "20261129_220000_samples_hellaswag.jsonl"
    with pytest.raises(GritError, match='line 1: field "resps": expected the text of one answer'):
        read_predictions(path)


def scored(*predictions):
    return score_predictions(predictions, RulesJudge(), tagged_answers=True)
