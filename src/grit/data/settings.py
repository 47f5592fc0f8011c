"""The settings of training triplets and test sets."""

from grit.core.settings import PathText, Text, setting, settings

SPLIT = "train"  # of drawn scenes, unless said


@settings
class SourceSettings:
    """One source of triplets: a JSONL file with images, or drawn scenes."""

    file: Text | None = setting("JSONL in GRIT's format, below data.root", None)
    images: Text | None = setting("folder of its images, below data.root", None)
    kind: Text | None = setting("drawn scenes: vsr, tallyqa, gqa, mathvista, mme, ovd", None)
    split: Text = setting("drawn scenes: which of the disjoint splits; suites: test, dev", SPLIT)
    rows: int | None = setting("number of rows, at least 1; null: all of a file", None)
    balance_counts: bool = setting("counting data: the answers 0-4 equally often", False)
    apart_from_tests: bool = setting(
        "leave out rows whose photograph is in one of the paper's test sets or the suite's", False
    )


@settings
class DataSettings:
    """The training triplets."""

    name: Text = setting("its name in results and folders")
    root: PathText = setting("the folder of files and images")
    seed: int = setting("of the choice of rows; not the run's seed", 0)
    total: int | None = setting(
        "rows in all: the last source makes up what the others lack", None, ge=1
    )
    max_prompt_tokens: int | None = setting(
        "a row with a longer prompt, image included, is an error; null: the model's own limit",
        4096,
        ge=1,
        changes_results=False,
    )
    check_only: bool = setting("task=data: report, download nothing", False)
    sources: dict[Text, SourceSettings] = setting("the sources that are mixed", dict)


@settings
class SuiteSettings:
    """The test sets."""

    name: Text = setting("its name in results and tables")
    root: PathText = setting("the folder of files and images")
    limit: int | None = setting(
        "at most so many questions per set; a file's are spread over it", None, ge=1
    )
    sets: dict[Text, SourceSettings] = setting("the sets, by their names in tables", dict)
