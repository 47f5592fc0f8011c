"""Preparing the paper's data: annotations, then images, then the rows that are made from both.

What is there is never downloaded again, so a stopped preparation goes on where it was.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from grit.core.errors import GritError
from grit.core.files import write_jsonl
from grit.data.jsonl import SampleFile, read_samples
from grit.data.photographs import (
    COCO_NUMBERS,
    add_coco_numbers,
    photographs_of_tests,
    read_coco_numbers,
)
from grit.data.pictures import Unusable
from grit.data.preparation import annotations, paper
from grit.data.preparation.archives import read_members
from grit.data.preparation.downloads import Downloads
from grit.data.preparation.hub import HubDataset
from grit.data.preparation.images import Wanted, fetched, not_usable, put, referenced
from grit.data.preparation.origins import Hosts, by_hand, urls
from grit.data.preparation.paper import Origin, PaperFile
from grit.data.preparation.parquet import take_mathvista, take_mme
from grit.data.preparation.pictures import LARGEST_IMAGE, file_size, picture_size
from grit.data.preparation.shortfalls import Shortfall
from grit.data.preparation.tallyqa import CountingRow, draw_counting_rows

log = logging.getLogger(__name__)
TALLYQA_SOURCE = "tallyqa/train.json"  # below data.root
_ENOUGH = 0.9  # share of the counting questions whose images have to be had
Failures = list[tuple[Wanted, str]]


@dataclass
class Preparation:
    """One run of it; `shortfalls` grows as things cannot be had."""

    root: Path
    hosts: Hosts
    downloads: Downloads
    seed: int
    counting_rows: int
    workers: int
    check_only: bool = False
    progress: bool = True
    shortfalls: list[Shortfall] = field(default_factory=list)
    hub: Callable[[str], HubDataset] = HubDataset
    _reads: dict[str, SampleFile] = field(default_factory=dict)

    def perform(self) -> None:
        """Do all of it.

        Raises:
            GritError: a file that is there is not right, or nothing can be written.
        """
        self._annotations()
        self._coco_numbers()
        self._images()
        self._counting_rows()

    def _annotations(self) -> None:
        hubs = {name: self.hub(name) for name in (paper.GRIT_DATA, paper.VISUAL_COT)}
        for file in paper.FILES:
            if file is paper.TALLYQA_TRAINING:
                continue
            is_released = file is not paper.VSR_TRAINING
            hub = hubs[paper.GRIT_DATA if is_released else paper.VISUAL_COT]
            hand = f"put {file.file} of {hub.page} into {self.root}"
            target = self.root / file.file
            take = partial(annotations.take_rows, hub, file, self.root)
            if self._have(target, file.file, hub.name, hand, take):
                self._count_rows(file)

    def _count_rows(self, file: PaperFile) -> None:
        rows = self._read(file).rows
        if file.rows is not None and rows != file.rows:
            reason = f"has {rows} rows; the released file has {file.rows}"
            hand = "delete it to have it downloaded"
            self.shortfalls.append(Shortfall(file.file, "annotations", reason, hand))

    def _read(self, file: PaperFile) -> SampleFile:
        if file.file not in self._reads:
            self._reads[file.file] = read_samples(
                self.root / file.file, self.root / file.images, name=file.name, require_images=False
            )
        return self._reads[file.file]

    def _coco_numbers(self) -> None:
        url = self.hosts.visual_genome_list
        self._have(
            self.root / COCO_NUMBERS,
            COCO_NUMBERS,
            "photographs with several names",
            f"it is made from {url}; without it only equal names keep test photographs apart",
            partial(annotations.take_coco_numbers, self.downloads, url, self.root),
        )

    def _images(self) -> None:
        wanted: dict[Path, Wanted] = {}
        for file in paper.FILES:
            if (self.root / file.file).is_file():
                for image in referenced(file, self.root, self._read(file)):
                    wanted.setdefault(image.path, image)
        bad = not_usable(list(wanted.values()), self.workers, progress=self.progress)
        if not self.check_only:
            bad = self._get([image for image, _ in bad])
        self._note(bad)

    def _get(self, images: Sequence[Wanted]) -> Failures:
        """Get images, each from who has it; those that could not be had with the reason."""
        by_origin: dict[Origin, list[Wanted]] = defaultdict(list)
        for image in images:
            by_origin[image.origin].append(image)
        failures: Failures = []
        one_by_one: list[Wanted] = []
        for origin, group in by_origin.items():
            if origin is Origin.ovdeval:
                failures += self._from_ovdeval(group)
            elif origin is Origin.mathvista:
                failures += take_mathvista(self.hub(paper.MATHVISTA), group)
            elif origin is Origin.mme:
                failed, numbers = take_mme(self.hub(paper.MME), group)
                failures += failed
                if numbers:
                    add_coco_numbers(self.root, numbers)
            else:
                one_by_one += group
        return failures + fetched(self._fetch, one_by_one, self.workers, progress=self.progress)

    def _fetch(self, image: Wanted) -> bytes:
        content, _ = self.downloads.get(
            urls(image.origin, image.name, self.hosts),
            limit=LARGEST_IMAGE,
            understand=partial(picture_size, expected=image.size),
        )
        return content

    def _from_ovdeval(self, images: Sequence[Wanted]) -> Failures:
        hub = self.hub(paper.OVDEVAL)
        looked_for = {Path(image.name).name: image for image in images}
        reasons = dict.fromkeys(looked_for, f"not in position.tar.gz of {hub.name}")

        def take(name: str, content: bytes) -> None:
            try:
                put(looked_for[name], content)
            except Unusable as error:
                reasons[name] = str(error)
            else:
                reasons.pop(name, None)

        try:
            archive = hub.download(hub.matching("position.tar.gz")[0])
            read_members(archive, set(looked_for), take, largest_member=LARGEST_IMAGE)
        except Unusable as error:
            reasons = dict.fromkeys(reasons, str(error))
        return [(looked_for[name], reason) for name, reason in reasons.items()]

    def _counting_rows(self) -> None:
        """Draw TallyQA's training questions, get their images, write their rows."""
        file = paper.TALLYQA_TRAINING
        source = self.root / TALLYQA_SOURCE
        target = self.root / file.file
        url = self.hosts.tallyqa
        if target.is_file():
            return
        if self.check_only:
            hand = f"it is made from train.json of {url} and its images"
            self.shortfalls.append(Shortfall(file.file, "TallyQA", "missing", hand))
            return
        hand = f"put train.json of {url} at {source}"
        take = partial(annotations.take_tallyqa, self.downloads, url, source)
        if not self._have(source, file.file, "TallyQA", hand, take):
            return
        numbers = read_coco_numbers(self.root)
        drawn = draw_counting_rows(
            source,
            self.counting_rows,
            self.seed,
            tested=photographs_of_tests([self.root], numbers),
            coco_numbers=numbers,
        )
        self._make_rows(drawn, file, target)

    def _make_rows(self, drawn: Sequence[CountingRow], file: PaperFile, target: Path) -> None:
        folder = self.root / file.images
        images = {
            row.image: Wanted(file.file, folder, row.image, file.origin, None, row.question)
            for row in drawn
        }
        bad = not_usable(list(images.values()), self.workers, progress=self.progress)
        bad = self._get([image for image, _ in bad])
        self._note(bad)
        failed = {image.name for image, _ in bad}
        had = [row for row in drawn if row.image not in failed]
        if len(had) < _ENOUGH * len(drawn) or not had:
            reason = f"only {len(had)} of {len(drawn)} questions drawn have their image"
            hand = "run task=data again; it goes on with the images that are missing"
            self.shortfalls.append(Shortfall(file.file, "TallyQA", reason, hand))
            return
        rows = [row.as_row(*file_size(folder / row.image)) for row in had]
        try:
            write_jsonl(target, rows)
        except OSError as error:
            raise GritError(f"{target}: cannot be written: {error.strerror}") from error

    def _have(
        self, target: Path, what: str, where: str, hand: str, take: Callable[[], None]
    ) -> bool:
        """Whether a file is there, after ``take`` got it where it was not."""
        if target.is_file():
            return True
        reason = "missing"
        if not self.check_only:
            try:
                take()
            except Unusable as error:
                reason = str(error)
            else:
                log.info("%s: from %s", target, where)
                return True
        self.shortfalls.append(Shortfall(what, where, reason, hand))
        return False

    def _note(self, failures: Failures) -> None:
        for image, reason in failures:
            hand = by_hand(image.origin, image.folder, self.hosts)
            what = f"{image.folder.name}/{image.name}"
            self.shortfalls.append(Shortfall(what, image.set, reason, hand))
