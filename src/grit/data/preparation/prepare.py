"""Preparing the paper's data: annotations, then images, then TallyQA's training rows.

Existing files are not downloaded again, so that a stopped preparation can be continued.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from grit.core.errors import GritError
from grit.core.files import write_jsonl
from grit.data.jsonl import SampleFile, read_samples
from grit.data.photographs import (
    COCO_NUMBERS,
    add_coco_numbers,
    paper_tests,
    photographs_of_tests,
    read_coco_numbers,
)
from grit.data.pictures import Unusable
from grit.data.preparation import annotations, paper
from grit.data.preparation.archives import read_members
from grit.data.preparation.downloads import Downloads
from grit.data.preparation.hub_data import HubDataset
from grit.data.preparation.images import (
    LARGEST_IMAGE,
    Failures,
    Wanted,
    download_images,
    file_size,
    not_usable,
    picture_size,
    referenced,
    store,
)
from grit.data.preparation.origins import by_hand, urls
from grit.data.preparation.paper import Origin, PaperFile
from grit.data.preparation.parquet import extract_mathvista, extract_mme
from grit.data.preparation.settings import PreparationSettings
from grit.data.preparation.shortfalls import Shortfall
from grit.data.preparation.tallyqa import CountingRow, draw_counting_rows, rows_by_question

log = logging.getLogger(__name__)
TALLYQA_SOURCE = "tallyqa/train.json"  # below data.root
_MIN_SHARE = 0.9  # of the counting questions that are drawn: their images have to be usable


@dataclass
class Preparation:
    """The preparation of a folder; what cannot be downloaded is added to ``shortfalls``."""

    root: Path
    settings: PreparationSettings
    downloads: Downloads
    seed: int
    check_only: bool = False
    progress: bool = True
    shortfalls: list[Shortfall] = field(default_factory=list)
    _reads: dict[str, SampleFile] = field(default_factory=dict)

    def perform(self) -> None:
        """Download, check and write everything.

        Raises:
            GritError: an existing file is invalid, or a file cannot be written.
        """
        self._get_annotations()
        self._get_coco_numbers()
        self._get_images()
        self._make_counting_rows()

    def _get_annotations(self) -> None:
        hubs = {name: HubDataset(name) for name in (paper.GRIT_DATA, paper.VISUAL_COT)}
        for file in paper.FILES:
            if file is paper.TALLYQA_TRAINING:
                continue
            is_released = file is not paper.VSR_TRAINING
            hub = hubs[paper.GRIT_DATA if is_released else paper.VISUAL_COT]
            hand = f"put {file.file} of {hub.page} into {self.root}"
            target = self.root / file.file
            download = partial(annotations.download_rows, hub, file, self.root)
            if self._ensure(target, file.file, hub.name, hand, download):
                self._check_row_count(file)

    def _check_row_count(self, file: PaperFile) -> None:
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

    def _get_coco_numbers(self) -> None:
        url = self.settings.visual_genome_list
        known = read_coco_numbers(self.root)  # MME's are in the same file, and may be there alone
        self._ensure(
            self.root / COCO_NUMBERS,
            COCO_NUMBERS,
            "photographs with several names",
            f"it is made from {url}; without it only equal names keep test photographs apart",
            partial(annotations.download_coco_numbers, self.downloads, url, self.root),
            is_there=any(name.startswith("vg/") for name in known),
        )

    def _get_images(self) -> None:
        wanted: dict[Path, Wanted] = {}
        for file in paper.FILES:
            if (self.root / file.file).is_file():
                for image in referenced(file, self.root, self._read(file)):
                    wanted.setdefault(image.path, image)
        failures = not_usable(list(wanted.values()), self.settings.workers, progress=self.progress)
        if not self.check_only:
            lacking = {image.path for image, _ in failures}
            failures = self._download([image for image, _ in failures])
            self._look_up([image for path, image in wanted.items() if path not in lacking])
        self._report(failures)

    def _look_up(self, present: Sequence[Wanted]) -> None:
        """Record the COCO numbers of images of MME that were put there by hand."""
        known = read_coco_numbers(self.root)
        images = [each for each in present if each.origin is Origin.mme]
        if images := [each for each in images if each.photograph not in known]:
            hub, file = HubDataset(paper.MME), self.root / COCO_NUMBERS
            for image, reason in extract_mme(hub, images, self._record, numbers_only=True):
                hand = f'add {{"photograph": "mme/NAME", "coco": ITS NUMBER IN COCO}} to {file}'
                self.shortfalls.append(Shortfall(image.photograph, COCO_NUMBERS, reason, hand))

    def _record(self, numbers: dict[str, int]) -> None:
        if numbers:
            add_coco_numbers(self.root, numbers)

    def _download(self, images: Sequence[Wanted]) -> Failures:
        """Download images from their origins; returns the failures."""
        by_origin: dict[Origin, list[Wanted]] = defaultdict(list)
        for image in images:
            by_origin[image.origin].append(image)
        failures: Failures = []
        single_files: list[Wanted] = []
        for origin, group in by_origin.items():
            if origin is Origin.ovdeval:
                failures += self._extract_ovdeval(group)
            elif origin is Origin.mathvista:
                failures += extract_mathvista(HubDataset(paper.MATHVISTA), group)
            elif origin is Origin.mme:
                failures += extract_mme(HubDataset(paper.MME), group, self._record)
            else:
                single_files += group
        return failures + download_images(
            self._content, single_files, self.settings.workers, progress=self.progress
        )

    def _content(self, image: Wanted) -> bytes:
        return self.downloads.get(
            urls(image.origin, image.name, self.settings),
            limit=LARGEST_IMAGE,
            check=partial(picture_size, expected=image.size),
        )

    def _extract_ovdeval(self, images: Sequence[Wanted]) -> Failures:
        hub = HubDataset(paper.OVDEVAL)
        by_name = {Path(image.name).name: image for image in images}
        reasons = dict.fromkeys(by_name, f"not in position.tar.gz of {hub.name}")

        def take(name: str, content: bytes) -> None:
            try:
                store(by_name[name], content)
            except Unusable as error:
                reasons[name] = str(error)
            else:
                reasons.pop(name, None)

        try:
            archive = hub.download(hub.matching("position.tar.gz")[0])
            read_members(archive, set(by_name), take, largest_member=LARGEST_IMAGE)
        except Unusable as error:
            reasons = dict.fromkeys(reasons, str(error))
        return [(by_name[name], reason) for name, reason in reasons.items()]

    def _make_counting_rows(self) -> None:
        """Draw TallyQA's training questions, download their images, and write their rows."""
        file = paper.TALLYQA_TRAINING
        source = self.root / TALLYQA_SOURCE
        target = self.root / file.file
        url = self.settings.tallyqa
        if target.is_file() and not source.is_file():
            return
        if self.check_only and not target.is_file():
            hand = f"it is made from train.json of {url} and its images"
            self.shortfalls.append(Shortfall(file.file, "TallyQA", "missing", hand))
            return
        hand = f"put train.json of {url} at {source}"
        download = partial(annotations.download_tallyqa, self.downloads, url, source)
        if not self._ensure(source, file.file, "TallyQA", hand, download):
            return
        numbers = read_coco_numbers(self.root)
        tested = photographs_of_tests(paper_tests(self.root), numbers)
        drawn = draw_counting_rows(
            source, self.settings.counting_rows, self.seed, tested=tested, coco_numbers=numbers
        )
        known: dict[int, dict[str, Any]] = {}
        if target.is_file():
            known = rows_by_question(target, tested=tested, coco_numbers=numbers)
        if set(known) - {row.number for row in drawn}:
            text = (
                "%s: holds questions that data.seed=%d and preparation.counting_rows=%d do not "
                "draw; it stays as it is: delete it to have it drawn again"
            )
            log.info(text, target, self.seed, self.settings.counting_rows)
            return
        self._write_counting_rows(drawn, known, target)

    def _write_counting_rows(
        self, drawn: Sequence[CountingRow], known: Mapping[int, dict[str, Any]], target: Path
    ) -> None:
        """Write the rows drawn that have an image; those ``known`` stand in the file already."""
        file = paper.TALLYQA_TRAINING
        folder = self.root / file.images
        images = {
            row.image: Wanted(file.file, folder, row.image, file.origin, None, row.question)
            for row in drawn
            if row.number not in known
        }
        failures = not_usable(list(images.values()), self.settings.workers, progress=self.progress)
        if not self.check_only:
            failures = self._download([image for image, _ in failures])
        self._report(failures)
        failed = {image.name for image, _ in failures}
        usable = [row for row in drawn if row.number in known or row.image not in failed]
        if self.check_only or len(usable) == len(known) > 0:
            return
        if len(usable) < _MIN_SHARE * len(drawn) or not usable:
            reason = f"only {len(usable)} of {len(drawn)} questions drawn have their image"
            hand = "run task=data again; it goes on with the images that are missing"
            self.shortfalls.append(Shortfall(file.file, "TallyQA", reason, hand))
            return
        rows = [
            known.get(row.number) or row.as_row(*file_size(folder / row.image)) for row in usable
        ]
        try:
            write_jsonl(target, rows)
        except OSError as error:
            raise GritError(f"{target}: cannot be written: {error.strerror}") from error

    def _ensure(
        self,
        target: Path,
        what: str,
        where: str,
        hand: str,
        download: Callable[[], None],
        *,
        is_there: bool | None = None,
    ) -> bool:
        """Call ``download`` if a file is missing; returns whether it is there.

        Args:
            target: the file.
            what: names it in a shortfall.
            where: its origin.
            hand: instructions for getting it by hand.
            download: writes ``target``, or raises Unusable.
            is_there: whether ``target`` holds it; None: whether there is such a file.
        """
        if target.is_file() if is_there is None else is_there:
            return True
        reason = "missing"
        if not self.check_only:
            try:
                download()
            except Unusable as error:
                reason = str(error)
            else:
                log.info("%s: from %s", target, where)
                return True
        self.shortfalls.append(Shortfall(what, where, reason, hand))
        return False

    def _report(self, failures: Failures) -> None:
        for image, reason in failures:
            hand = by_hand(image.origin, image.folder, self.settings)
            self.shortfalls.append(Shortfall(image.photograph, image.set, reason, hand))
