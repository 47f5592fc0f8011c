"""The settings of training triplets and test sets."""

from grit.core.settings import Text, setting, settings


@settings
class SourceSettings:
    """One source of triplets: a JSONL file with images, or drawn scenes."""

    file: Text | None = setting("JSONL in GRIT's format, below data.root", None)
    images: Text | None = setting("folder of its images, below data.root", None)
    kind: Text | None = setting("drawn scenes: vsr, tallyqa, gqa, mathvista, mme, ovd", None)
    split: Text = setting("drawn scenes: which disjoint part", "train")
    rows: int | None = setting("how many; null takes all of a file", None, ge=1)
    balance_counts: bool = setting("counting data: evenly over the answers 0-4", False)
    apart_from_tests: bool = setting("no row whose photograph is in a test set", False)


@settings
class DataSettings:
    """The training triplets."""

    name: Text = setting("what results and folders call it")
    root: Text = setting("the folder of files and images")
    seed: int = setting("of which rows are drawn; not the run's seed", 0)
    total: int | None = setting(
        "rows in all: what other sources lack, the last one makes up", None, ge=1
    )
    max_prompt_tokens: int | None = setting(
        "a row with a longer prompt, image included, is refused; null: as many as the model takes",
        4096,
        ge=1,
        changes_results=False,
    )
    check_only: bool = setting("task=data: report, download nothing", False)
    sources: dict[Text, SourceSettings] = setting("what the triplets are mixed of", dict)


@settings
class SuiteSettings:
    """The test sets."""

    name: Text = setting("what results and tables call it")
    root: Text = setting("the folder of files and images")
    limit: int | None = setting("at most so many questions a set", None, ge=1)
    sets: dict[Text, SourceSettings] = setting("the sets, by the names that tables have", dict)
