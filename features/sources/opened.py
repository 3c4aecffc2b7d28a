"""Files as text: plain ones, and the one that a zip holds."""

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from ..errors import UnreadableFile
from .encoding import Unreadable, encoding_of

_BLOCK = 1 << 20
_ZIP = b"PK\x03\x04"
_DAMAGED = "a damaged zip: fetch or pack it again"


@contextmanager
def opened(path: Path, member: str | None = None, encoding: str | None = None) -> Iterator[TextIO]:
    """Open a file as text that can be read; of a zip the one whose path ends with `member`, or its only one.

    It is UTF-8 unless `encoding` or its first bytes say otherwise.
    """
    try:
        if not zipfile.is_zipfile(path):
            _refuse_half_a_zip(path)
            with path.open("rb") as raw:
                yield _text(raw, encoding)
            return
        with zipfile.ZipFile(path) as archive, _member(archive, path, member) as raw:
            yield _text(raw, encoding)
    except Unreadable as error:
        raise UnreadableFile(file=path.name, why=error) from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UnreadableFile(file=path.name, why=f"{_DAMAGED} ({error})") from error
    except (OSError, csv.Error) as error:
        raise UnreadableFile(file=path.name, why=error) from error


def _text(raw: IO[bytes], encoding: str | None) -> TextIO:
    return io.TextIOWrapper(raw, encoding=encoding_of(raw, encoding), newline="")


def _refuse_half_a_zip(path: Path) -> None:
    with path.open("rb") as raw:
        if raw.read(len(_ZIP)) == _ZIP:
            raise UnreadableFile(file=path.name, why=_DAMAGED)


def _member(archive: zipfile.ZipFile, path: Path, member: str | None) -> IO[bytes]:
    """The chosen file; one with a password, or packed in a way that Python lacks, is `UnreadableFile`."""
    name = _chosen(archive, path, member)
    try:
        return archive.open(name)
    except RuntimeError as error:
        raise UnreadableFile(file=path.name, why=error) from error


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as raw:
            while block := raw.read(_BLOCK):
                found.update(block)
    except OSError as error:
        raise UnreadableFile(file=path.name, why=error) from error
    return found.hexdigest()


def _chosen(archive: zipfile.ZipFile, path: Path, member: str | None) -> str:
    """The name inside the archive; folders and what macOS adds don't count."""
    names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
    wanted = [name for name in names if member is None or name == member or name.endswith(f"/{member}")]
    if len(wanted) != 1:
        raise UnreadableFile(file=path.name, wanted=member or "a single file", holds=", ".join(names[:5]))
    return wanted[0]
