"""Cells: what the text of a row's cell says, as a mapping has it read; what can't be read stays text."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers

from ..errors import BadMapping
from .mapping import Cell, Mapping, is_instant

Row = dict[str, str]
_TRUE, _FALSE = {"1", "true", "t", "yes", "y"}, {"0", "false", "f", "no", "n"}
TRUTHS = {"human_answered", "abandoned", "converted", "stop_phone"}
NUMBERS = {"value", "talk_s", "hold_s", "wrap_s", "next_after_s"}
PHONES = {"phone", "caller_id"}

_GROUPED = r"[+-]?(?:\d+|\d{{1,3}}(?:([{0} '’\u00a0\u202f])\d{{3}})(?:\1\d{{3}})*)(?:{1}\d+)?"
_FORMS = {",": re.compile(_GROUPED.format(".", ",")), ".": re.compile(_GROUPED.format(",", r"\."))}
"""Numbers by their decimal sign, with or without signs between thousands, all of them the same."""
_SEPARATORS = str.maketrans("", "", " '’\u00a0\u202f")
_UNCLEAR = re.compile(r"[+-]?(?:\d[\d. '’\u00a0\u202f]*,\d+|\d{1,3}(?:,\d{3})+(?:\.\d+)?)")


def text_of(cell: Cell, row: Row) -> str | None:
    """What a cell holds, in the mapping's words; None where it says that there is nothing."""
    text = (row[cell.column] if cell.column is not None else cell.value or "").strip()
    if not text or text in cell.missing:
        return None
    return cell.prefix + cell.words.get(text, text)


def value_of(mapping: Mapping, name: str, cell: Cell, text: str, row: Row) -> object:
    """What the text of a field of that name means."""
    if is_instant(name):
        return _instant(mapping, cell, text, row)
    if name in PHONES:
        return _phone(mapping, text)
    if name in NUMBERS:
        number = number_or_word(mapping, cell, text)
        return text if number is None else number
    if name in TRUTHS:
        return text.lower() in _TRUE if text.lower() in _TRUE | _FALSE else text
    return text


def number_or_word(mapping: Mapping, cell: Cell, text: str | None) -> float | str | None:
    """A number where the text is one by the mapping's decimal sign; `nan` and `inf` are words.

    Where the mapping names no sign, one that only such a sign could make a number is `BadMapping`.
    """
    if text is None:
        return None
    if mapping.decimal is None and _UNCLEAR.fullmatch(text):
        raise BadMapping(
            mapping=mapping.name,
            column=cell.column or text,
            why='it has numbers with commas: say decimal = "," (or decimal = "." if none is a decimal comma)',
        )
    try:
        number = float(_plain(text, mapping.decimal))
    except ValueError:
        return text
    return number if abs(number) < float("inf") else text


def _plain(text: str, decimal: str | None) -> str:
    """A number as Python writes it, if the text is one by that decimal sign; else no number either."""
    if decimal is None:
        return text
    if _FORMS[decimal].fullmatch(text):
        group = "." if decimal == "," else ","
        return text.translate(_SEPARATORS).replace(group, "").replace(decimal, ".")
    return text if decimal == "." or "." not in text else ""


def _instant(mapping: Mapping, cell: Cell, text: str, row: Row) -> str:
    """RFC 3339; an instant without a zone is in the mapping's, seconds are added to the instant itself."""
    more = None if cell.plus_seconds is None else row[cell.plus_seconds]
    try:
        when = datetime.strptime(text, cell.format) if cell.format else datetime.fromisoformat(text)  # noqa: DTZ007
        if when.tzinfo is None:
            when = when.replace(tzinfo=ZoneInfo(mapping.timezone))
        if more is not None:
            seconds = timedelta(seconds=float(_plain(more.strip(), mapping.decimal)))
            when = (when.astimezone(UTC) + seconds).astimezone(when.tzinfo)
    except (ValueError, OverflowError):
        return text if more is None else f"{text} and {more} seconds"
    return when.isoformat()


def _phone(mapping: Mapping, text: str) -> str:
    try:
        number = phonenumbers.parse(text, mapping.phone_region)
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
