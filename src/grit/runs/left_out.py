"""What the numbers of a run leave out, in lines to stand below them."""

from collections.abc import Iterator

from grit.runs.results import Results


def left_out(run: Results, *, of: str = "", when: str = "") -> Iterator[str]:
    """Rows without their images, skipped sets, and rows the judge failed on.

    Args:
        run: the numbers.
        of: stands before what differs between runs that were asked the same.
        when: stands after it.
    """
    for name, result in run.sets.items():
        if result.images_missing:
            rows = "row" if result.images_missing == 1 else "rows"
            yield f"{name}: {result.images_missing} {rows} left out: the images are missing"
    for name, reason in run.skipped.items():
        yield f"{name}: skipped: {reason}"
    for name, result in run.sets.items():
        if count := result.judge_failures:
            yield f"{of}{name}: the judge failed on {count} rows{when}: they are not in ACC"
