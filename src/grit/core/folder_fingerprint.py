"""A hash of a model's folder, which tells whether other weights lie there than before."""

import hashlib
from pathlib import Path

from grit.core.fingerprints import fingerprint

_SUFFIXES = {".safetensors", ".bin", ".json", ".jinja"}  # weights, configuration, chat template
_WHOLE = 8 * 2**20  # bytes up to which a file is read whole
_PIECES, _PIECE = 64, 2**16  # how many pieces of a larger file are read, and their bytes


def folder_fingerprint(folder: Path) -> str:
    """Hash of the files of a model's folder, or of a file of weights, in twelve hex digits.

    Of large files it reads the size, the beginning (in safetensors the names and shapes) and pieces
    from all over, since training changes nearly all values: gigabytes take well under a second.

    Raises:
        OSError: a file cannot be read.
    """
    inside = folder.iterdir() if folder.is_dir() else [folder]
    files = sorted(each for each in inside if each.suffix in _SUFFIXES or each == folder)
    return fingerprint([(file.name, file.stat().st_size, _digest(file)) for file in files])


def _digest(file: Path) -> str:
    size, digest = file.stat().st_size, hashlib.sha256()
    with file.open("rb") as stream:
        if size <= _WHOLE:
            digest.update(stream.read())
        else:
            for piece in range(_PIECES):
                stream.seek((size - _PIECE) * piece // (_PIECES - 1))
                digest.update(stream.read(_PIECE))
    return digest.hexdigest()
