"""Notes below the numbers of a run on the rows and sets that they leave out."""

from collections.abc import Iterator

from grit.runs.results import Results


def left_out(run: Results, *, of: str = "", when: str = "") -> Iterator[str]:
    """Lines on rows without images, on skipped sets, and on rows that the judge failed on.

    Args:
        run: the results.
        of: prefix of the lines on judge failures, to tell runs apart.
        when: added to those lines after the number of rows.
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
        if count := result.samples_unjudged:
            yield f"{of}{name}: the judge failed on {count} samples{when}: they are not in pass@k"
