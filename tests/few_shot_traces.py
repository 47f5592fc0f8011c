"""Writes docs/few_shot_traces.md from real rows.

    python tests/few_shot_traces.py FOLDER > docs/few_shot_traces.md

FOLDER holds the files of ``yfan1997/GRIT_data``; images are not needed.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

from grit.data.jsonl import read_samples
from grit.data.labels import box_labels
from grit.data.samples import Sample
from grit.data.shapes.ideal_traces import UNKNOWN
from grit.data.taught_traces import is_annotated, taught_trace
from grit.data.wording.answer_sentences import answer_sentence
from grit.data.wording.counted import counted_thing
from grit.grounding.boxes import NORMALIZED_1000, Space

PIXELS = 3136, 200704  # model.image of conf/model/qwen2_5_vl_3b.yaml
SHOWN = (
    ("vsr_cot_train_10", 1, "a relation, one box: what the question names first"),
    ("vsr_cot_train_10", 3, "what stands somewhere, one box: the answer"),
    ("vsr_val", 22, "two things, two boxes"),
    ("tallyqa_val", 156, "as many boxes as the count"),
    ("tallyqa_val", 163, "fewer boxes than the count: a box holds several"),
    ("tallyqa_train_10", 1, "a positive count, and nobody has put boxes in"),
)
FILES = ("vsr_cot_train_10", "tallyqa_train_10", "vsr_val", "tallyqa_val")
OPENING = """\
# What few-shot fine-tuning is taught

`method=sft` learns from the triplets that GRPO-GR learns from, each with a trace that is written
from its annotation ([`grit/data/taught_traces.py`](../src/grit/data/taught_traces.py)). This page
shows the traces of six real rows. It is written by

```console
$ python tests/few_shot_traces.py FOLDER > docs/few_shot_traces.md
```

where FOLDER has the files of `yfan1997/GRIT_data`; a test compares.

- **The style** (`training.sft.traces`): a model is taught to answer as its family writes since
  its pre-training. Qwen2.5-VL lists JSON under `bbox_2d`, as the GRIT prompt asks, one object a
  line and indented by a tab as the model itself prints it; only its code fence is left out,
  since text goes on behind. It is valid JSON. InternVL gathers the boxes of a label in
  `<ref>...</ref><box>[[...]]</box>`. The miniatures keep the short form of their own
  pre-training (`plain`); `sentences` is the English below around boxes as GRIT's format has
  them, another hand than theirs.
- **Coordinates** are whole numbers of the model's own space: pixels of Qwen's resized image
  (below: with the {low} to {high} pixels of `model=qwen2_5_vl_3b`), thousandths of the image for
  InternVL. Corners in the wrong order are put right, what reaches outside is clipped, boxes
  without area are left out.
- **Labels** come from the words of question and answer
  ([`grit/data/labels.py`](../src/grit/data/labels.py)): what is counted; what the question names
  first, which is what the one box of each of the paper's VSR rows shows; or the answer of "What
  is behind the sheep?". Which of two boxes is which no row says: they are taken in the order of
  the question, unless the answer affirms a side ("left of", "under") that says otherwise. So
  some labels of rows with two boxes are wrong.
- **The end**: `</answer>` (the prompt allows it, and it is where sampling stops), then the token
  that ends a turn of the model's chat, `<|im_end|>` for both families.
- **Rows that nobody annotated** (`bboxs` is missing, as in TallyQA's own `train.json`, or empty
  though the count is positive) are no rows with nothing to see. By default their trace says what
  to look for, without a box; `training.sft.unannotated=leave_out` leaves them out. Either way a
  line says how many there are, and `drawn.json` too. A count of 0 that is annotated as empty is
  complete: "I look for every bird in the image, and there is none."
"""
HEADINGS = (
    *("rows", "all", "with boxes", "complete without", "not annotated", "boxes"),
    *("labels from words", "own sentence"),
)


def rows_of(folder: Path, name: str) -> list[Sample]:
    """All rows of a file, without their images."""
    file = folder / f"{name}.jsonl"
    return read_samples(file, folder / name, name=name, require_images=False).samples


def qwen_space(sample: Sample) -> Space:
    """The pixels in which Qwen2.5-VL sees the sample's image."""
    height, width = smart_resize(
        int(sample.space.height), int(sample.space.width), 28, PIXELS[0], PIXELS[1]
    )
    return Space("resized", width, height)


def page(folder: Path) -> str:
    """The whole document."""
    files = {name: rows_of(folder, name) for name in FILES}
    opening = OPENING.format(low=PIXELS[0], high=PIXELS[1])
    shown = [_shown(files[name][line - 1], note) for name, line, note in SHOWN]
    return "\n".join([opening, *shown, _counts(files)])


def _shown(sample: Sample, note: str) -> str:
    space, size = qwen_space(sample), sample.space
    boxes = "none" if not sample.boxes else ", ".join(str([*box.corners]) for box in sample.boxes)
    return f"""\
## {sample.question} {sample.answer}

{note[0].upper()}{note[1:]}. Row `{sample.id}`; the image has {size.width} x {size.height} pixels,
annotated boxes: {boxes}.

Qwen2.5-VL, which sees {space.width} x {space.height} pixels:

```text
{taught_trace(sample, space, "json")}
```

InternVL:

```text
{taught_trace(sample, NORMALIZED_1000, "internvl")}
```
"""


def _counts(files: dict[str, list[Sample]]) -> str:
    twenty = [*files["vsr_cot_train_10"], *files["tallyqa_train_10"]]
    named = {"20 training rows": twenty, "the same, VSR": files["vsr_cot_train_10"]}
    named |= {"the same, TallyQA": files["tallyqa_train_10"]}
    named |= {"VSR test rows": files["vsr_val"], "TallyQA test rows": files["tallyqa_val"]}
    lines = "\n".join(_line(name, samples) for name, samples in named.items())
    counted_boxes = [(len(s.boxes or ()), int(s.answer)) for s in files["tallyqa_val"]]
    even = sum(found == true for found, true in counted_boxes if found)
    fewer = sum(0 < found < true for found, true in counted_boxes)
    more = sum(found > true for found, true in counted_boxes)
    return f"""\
## What rows give

The ten VSR rows are the paper's; its ten TallyQA rows were not at hand, and ten questions about
the same photographs stand in for them, none with a box. Test rows are never trained on: they show
how far the rules reach.

| {" | ".join(HEADINGS)} |
|{" --- |" * len(HEADINGS)}
{lines}

*Complete without* a box are counts of 0. *Labels from words* are all that are not "{UNKNOWN}". *Own
sentence*: the rethink is made of question and answer; else it reads "So the answer is ...".

Boxes are taught as they are annotated. Of the TallyQA test rows with boxes {even} have as many as
their count, {fewer} fewer (their label is a plural: a box holds several) and {more} more.
"""


def _line(name: str, samples: Sequence[Sample]) -> str:
    boxed = [sample for sample in samples if sample.boxes]
    complete = sum(is_annotated(sample) for sample in samples if not sample.boxes)
    labels = [label for sample in boxed for label in box_labels(sample, sample.boxes or ())]
    told = sum(label != UNKNOWN for label in labels)
    own = sum(
        bool(counted_thing(s.question) or answer_sentence(s.question, s.answer)) for s in samples
    )
    bare = len(samples) - len(boxed) - complete
    cells = (len(samples), len(boxed), complete, bare, len(labels), told, own)
    return f"| {name} | " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    sys.stdout.write(page(Path(sys.argv[1])))
