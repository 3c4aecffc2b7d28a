"""Encoding: how a file's text is written: by its first bytes, by a mapping, else UTF-8; all is tried."""

import codecs
import re
from typing import IO

_BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_C1 = re.compile(rb"[\x80-\x9f]")
"""No letters in any ISO 8859, and letters (the euro sign) in Windows' code pages."""
_LOST = (
    'line {} is not UTF-8: name the file\'s encoding in the mapping, for instance encoding = "windows-1252", '
    "or convert it: `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`"
)


class Unreadable(Exception):
    """Why a file's text can't be read, and what to do."""


def encoding_of(raw: IO[bytes], said: str | None) -> str:
    """Python's name of the encoding of a whole file, which is read through; else `Unreadable`."""
    head = raw.read(4)
    raw.seek(0)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        if said is not None and not _same(said, marked):
            raise Unreadable(f"it begins as {marked.upper()} does, not {said}: leave `encoding` out")
        _try(raw, marked, f"line {{}} is no {marked.upper()}, as which the file begins")
    elif said is None:
        if 0 in head:
            raise Unreadable('UTF-16 without a mark, as it seems: say encoding = "utf-16-le" in the mapping')
        _try(raw, "utf-8", _LOST)
    else:
        _try(raw, said, f"line {{}} is not {said}, which the mapping names as the encoding")
        _refuse_another(raw, said)
    raw.seek(0)
    return marked or said or "utf-8"


def _same(said: str, marked: str) -> bool:
    return codecs.lookup(said).name.startswith(marked.removesuffix("-sig"))


def _try(raw: IO[bytes], encoding: str, why: str) -> None:
    """Read all of it; `why` has a place for the number of the line that can't be read."""
    raw.seek(0)
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    try:
        while block := raw.read(_BLOCK):
            line += decoder.decode(block).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
        raise Unreadable(why.format(f"{line:,}")) from error


def _refuse_another(raw: IO[bytes], said: str) -> None:
    """Every text can be read as some encodings: refuse what is plainly another one than was said."""
    name = codecs.lookup(said).name
    if name.startswith("utf"):
        return
    raw.seek(0)
    decoder, plain, whole = codecs.getincrementaldecoder("utf-8")(), True, True
    while block := raw.read(_BLOCK):
        plain = plain and block.isascii()
        if name.startswith("iso8859") and _C1.search(block):
            raise Unreadable(f'it has letters that {said} lacks: try encoding = "windows-1252"')
        if whole:
            whole = _decodes(decoder, block)
    if whole and not plain:
        raise Unreadable(f"it is UTF-8, and not {said}: leave `encoding` out")


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes) -> bool:
    try:
        decoder.decode(block)
    except UnicodeDecodeError:
        return False
    return True
