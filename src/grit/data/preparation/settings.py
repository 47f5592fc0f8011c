"""The settings of ``task=data``."""

from grit.core.settings import Text, setting, settings


@settings
class PreparationSettings:
    """``task=data``: downloads of files that are not on the Hugging Face Hub."""

    coco: Text = setting(
        "train2017/NAME and val2017/NAME lie below it", "http://images.cocodataset.org"
    )
    visual_genome: Text = setting(
        "VG_100K/ID.jpg and VG_100K_2/ID.jpg lie below it", "https://cs.stanford.edu/people/rak248"
    )
    visual_genome_list: Text = setting(
        "says which images of Visual Genome are in COCO",
        "https://homes.cs.washington.edu/~ranjay/visualgenome/data/dataset/image_data.json.zip",
    )
    tallyqa: Text = setting(
        "TallyQA's questions", "https://github.com/manoja328/tallyqa/raw/master/tallyqa.zip"
    )
    counting_rows: int = setting(
        "drawn of TallyQA's 249,318; with a reserve for images that are gone", 4500, ge=1
    )
    workers: int = setting("downloads at a time", 16, ge=1)
    attempts: int = setting("at a file whose host fails in passing", 4, ge=1)
    timeout: float = setting("seconds that a host may be silent", 30.0, gt=0)
    total_timeout: float = setting(
        "seconds of one file in all, however slowly it comes", 600.0, gt=0
    )
