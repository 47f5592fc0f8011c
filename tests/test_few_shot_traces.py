"""The page about few-shot fine-tuning says what the code does."""

from pathlib import Path

from few_shot_traces import PIXELS, page

DOCUMENT = Path(__file__).parent.parent / "docs" / "few_shot_traces.md"


def test_the_page_is_what_real_rows_give(grit_data: Path) -> None:
    """Else: python tests/few_shot_traces.py FOLDER > docs/few_shot_traces.md."""
    assert DOCUMENT.read_text(encoding="utf-8") == page(grit_data)


def test_its_image_size_is_the_model_s() -> None:
    from composing import config

    image = config("model=qwen2_5_vl_3b").model.image
    assert (image["min_pixels"], image["max_pixels"]) == PIXELS
