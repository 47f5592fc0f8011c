"""Where images come from: their URLs, and instructions for downloading them by hand."""

from pathlib import Path, PurePosixPath

from grit.data.photographs import coco_name
from grit.data.preparation.paper import MATHVISTA, MME, OVDEVAL, Origin
from grit.data.preparation.settings import PreparationSettings

_VISUAL_GENOME_PARTS = ("VG_100K", "VG_100K_2")


def urls(origin: Origin, name: str, hosts: PreparationSettings) -> list[str]:
    """The possible URLs of an image of COCO or Visual Genome, the likeliest first."""
    path = PurePosixPath(name)
    coco = coco_name(path.name)
    if origin is Origin.coco or (origin is Origin.coco_or_visual_genome and coco):
        return [f"{hosts.coco}/{part}/{coco or path.name}" for part in ("train2017", "val2017")]
    parts = sorted(_VISUAL_GENOME_PARTS, key=lambda part: part != path.parent.name)
    return [f"{hosts.visual_genome}/{part}/{path.name}" for part in parts]


def by_hand(origin: Origin, folder: Path, hosts: PreparationSettings) -> str:
    """Instructions for downloading such an image by hand."""
    coco = f"{hosts.coco}/train2017/ and val2017/"
    genome = f"{hosts.visual_genome}/VG_100K/ and VG_100K_2/"
    sources = {
        Origin.coco: coco,
        Origin.visual_genome: genome,
        Origin.coco_or_visual_genome: f"{coco}, or {genome}",
        Origin.mathvista: f"the Parquet file of {MATHVISTA}, each named after its pid",
        Origin.mme: f"the Parquet files of {MME}, each named after its row",
        Origin.ovdeval: f"position.tar.gz of {OVDEVAL}",
    }
    return f"into {folder} from {sources[origin]}"
