"""Files as other countries write them: encodings, delimiters, decimal commas; what is unclear is refused."""

import codecs
import zipfile
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine, select

from features.errors import BadMapping, UnreadableFile
from features.instants import DAY
from features.sources.csv_file import read_csv
from features.sources.loading import load_mapping
from features.sources.record import Record
from features.store.engine import reading
from features.store.imports import ImportOrder, run_import
from features.store.tables import lead
from tests.features.store.tellings import NOON

MAPPING = """
name = "crm"
version = 1
timezone = "Europe/Berlin"
phone_region = "DE"
{more}
[lead]
lead_id = "Kunden-Nr."
campaign = {{ value = "spring" }}
created_at = {{ column = "Angelegt am", format = "%d.%m.%Y %H:%M" }}
channel = {{ column = "Herkunft", words = {{ "Web-Formular" = "web_form", Empfehlung = "referral" }} }}
phone = "Telefon"
value = "Wert"
[attributes]
columns = ["Straße", "Umsatz"]
"""
HEAD = ("Kunden-Nr.", "Angelegt am", "Herkunft", "Telefon", "Wert", "Straße", "Umsatz")
ROW = ("7", "05.07.2026 10:00", "Web-Formular", "030 901820", "1.234,50", "Königsallee 1", "-2.000.000,5")


def a_mapping(tmp_path: Path, more: str = 'decimal = ","', becomes: tuple[str, str] = ("", "")) -> Path:
    (tmp_path / "crm.toml").write_text(MAPPING.format(more=more).replace(*becomes), encoding="utf-8")
    return tmp_path / "crm.toml"


def a_file(tmp_path: Path, *rows: tuple[str, ...], delimiter: str = ";", encoding: str = "utf-8") -> Path:
    """A file of the heading and rows, nothing quoted."""
    lines = [delimiter.join(row) for row in (HEAD, *(rows or (ROW,)))]
    (tmp_path / "export.csv").write_bytes("\r\n".join(lines).encode(encoding))
    return tmp_path / "export.csv"


def read(mapping: Path, path: Path) -> list[Record]:
    return list(read_csv(path, load_mapping(str(mapping))[0]))


def leads(mapping: Path, path: Path) -> list[dict[str, Any]]:
    return [cast("dict[str, Any]", one) for record in read(mapping, path) for one in record.leads]


EXPECTED = {
    "lead_id": "7",
    "campaign": "spring",
    "created_at": "2026-07-05T10:00:00+02:00",
    "channel": "web_form",
    "value": 1234.5,
    "phones": [{"e164": "+4930901820", "type": None}],
    "attributes": {"Straße": "Königsallee 1", "Umsatz": -2000000.5},
}


@pytest.mark.parametrize(("encoding", "more"), [
    ("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-16-le", 'encoding = "utf-16-le"'),
    ("windows-1252", 'encoding = "windows-1252"'), ("latin-1", 'encoding = "latin-1"'),
    ("utf-8-sig", 'encoding = "utf-8"'), ("utf-16", 'encoding = "utf-16-le"'),
    ("mac-roman", 'encoding = "mac-roman"'),
])  # fmt: skip
def test_a_german_export_is_read_in_any_encoding(tmp_path: Path, encoding: str, more: str):
    mapping = a_mapping(tmp_path, f'decimal = ","\n{more}')

    assert leads(mapping, a_file(tmp_path, encoding=encoding)) == [EXPECTED]


def test_a_file_of_a_zip_is_read_in_its_encoding_too(tmp_path: Path):
    plain = a_file(tmp_path, encoding="utf-16")
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(plain, "export.csv")

    assert leads(a_mapping(tmp_path), tmp_path / "export.zip") == [EXPECTED]


@pytest.mark.parametrize(("encoding", "more", "says"), [
    ("windows-1252", "", r"line 1 is not UTF-8: name .* encoding = \"windows-1252\""),
    ("utf-16-le", "", r"UTF-16 without a mark.* encoding = \"utf-16-le\""),
    ("utf-8", 'encoding = "windows-1252"', "it is UTF-8, and not windows-1252: leave `encoding` out"),
    ("utf-8-sig", 'encoding = "windows-1252"', "begins as UTF-8-SIG does, not windows-1252"),
    ("windows-1252", 'encoding = "utf-8"', "line 1 is not utf-8, which the mapping names"),
])  # fmt: skip
def test_another_encoding_than_was_said_is_refused_at_once(
    tmp_path: Path, encoding: str, more: str, says: str
):
    mapping, _ = load_mapping(str(a_mapping(tmp_path, more)))
    path = a_file(tmp_path, encoding=encoding)

    with pytest.raises(UnreadableFile, match=says) as refused:
        read_csv(path, mapping)

    assert refused.value.code == "unreadable_file"


def test_letters_that_only_windows_has_are_not_lost_as_latin_1(tmp_path: Path):
    mapping, _ = load_mapping(str(a_mapping(tmp_path, 'encoding = "latin-1"')))
    path = a_file(tmp_path, (*ROW[:5], "5 € Haus", "1"), encoding="windows-1252")

    with pytest.raises(UnreadableFile, match="windows-1252"):
        read_csv(path, mapping)


def test_a_letter_far_down_that_can_t_be_read_stops_the_file_before_a_row_is_taken(tmp_path: Path):
    mapping, _ = load_mapping(str(a_mapping(tmp_path)))
    path = a_file(tmp_path, *([ROW] * 50_000))
    path.write_bytes(path.read_bytes() + b"\r\n8;\xe4")

    with pytest.raises(UnreadableFile, match="line 50,002 is not UTF-8"):
        read_csv(path, mapping)


def test_a_text_that_breaks_off_within_a_letter_is_refused(tmp_path: Path):
    path = a_file(tmp_path)
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes() + "ü".encode()[:1])

    with pytest.raises(UnreadableFile, match="line 2 is no UTF-8-SIG"):
        read_csv(path, load_mapping(str(a_mapping(tmp_path)))[0])


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_the_one_by_which_the_columns_are_there(tmp_path: Path, delimiter: str):
    assert leads(a_mapping(tmp_path), a_file(tmp_path, delimiter=delimiter)) == [EXPECTED]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
@pytest.mark.parametrize("more", ["", 'delimiter = ","'])
def test_a_first_line_for_excel_tells_the_delimiter_and_is_no_heading(tmp_path: Path, first: str, more: str):
    path = a_file(tmp_path)
    path.write_bytes(first.encode() + b"\r\n" + path.read_bytes())

    assert leads(a_mapping(tmp_path, f'decimal = ","\n{more}'), path) == [EXPECTED]


def test_a_delimiter_that_does_not_fit_is_refused_with_the_one_that_does(tmp_path: Path):
    mapping, _ = load_mapping(str(a_mapping(tmp_path, 'delimiter = ","')))

    with pytest.raises(BadMapping, match=r'without=.*Telefon.*with delimiter = ";" they are there'):
        read_csv(a_file(tmp_path), mapping)


def test_a_column_that_is_missing_is_named_with_the_one_that_may_be_meant(tmp_path: Path):
    mapping, _ = load_mapping(str(a_mapping(tmp_path, becomes=('"Telefon"', '"Telephon"'))))

    with pytest.raises(BadMapping, match=r"without=Telephon, why=is it 'Telefon'\?") as refused:
        read_csv(a_file(tmp_path), mapping)

    assert refused.value.code == "bad_mapping"


def test_a_mapped_column_that_is_there_twice_is_refused(tmp_path: Path):
    path = a_file(tmp_path)
    path.write_text(path.read_text("utf-8").replace("Umsatz", "Wert"), "utf-8")
    mapping, _ = load_mapping(str(a_mapping(tmp_path, becomes=(', "Umsatz"', ""))))

    with pytest.raises(BadMapping, match="more_than_once=Wert"):
        read_csv(path, mapping)


def test_a_row_of_other_columns_than_the_heading_is_rejected_and_no_other(tmp_path: Path, engine: Engine):
    """A comma that isn't quoted shifts all that stands behind it: nobody knows what such a row says."""
    path = a_file(tmp_path, ROW, ("8", *ROW[1:], "more"), ("9", *ROW[1:4]), ("10", *ROW[1:]))
    mapping, version = load_mapping(str(a_mapping(tmp_path)))

    tally = run_import(
        engine, ImportOrder(path.name, "file", version, read_csv(path, mapping), NOON + 300 * DAY)
    )

    assert (tally.rows, tally.accepted) == (4, 2)
    assert tally.rejected == {"too_many_columns": 1, "too_few_columns": 1}
    assert tally.firsts == {"too_many_columns": "row 2", "too_few_columns": "row 3"}
    with reading(engine) as connection:
        assert set(connection.execute(select(lead.c.lead_id)).scalars()) == {"7", "10"}


def test_a_row_may_end_with_delimiters_beyond_the_heading(tmp_path: Path):
    assert leads(a_mapping(tmp_path), a_file(tmp_path, (*ROW, "", ""))) == [EXPECTED]


def test_a_row_may_end_before_columns_that_nobody_reads(tmp_path: Path):
    path = a_file(tmp_path, ROW[:6])
    mapping = a_mapping(tmp_path, becomes=(', "Umsatz"', ""))

    assert [one["lead_id"] for one in leads(mapping, path)] == ["7"]


@pytest.mark.parametrize(("decimal", "text", "number"), [
    (",", "12", 12.0), (",", "12,5", 12.5), (",", "1.234", 1234.0), (",", "1.234.567,89", 1234567.89),
    (",", "1 234,5", 1234.5), (",", "1\u202f234\u202f567,5", 1234567.5), (",", "1\u00a0234", 1234.0),
    (",", "-0,5", -0.5), (",", "1e3", 1000.0),
    (",", "12.5", "12.5"), (",", "1.23,4", "1.23,4"), (",", "1.234 567", "1.234 567"),
    (",", "1,2,3", "1,2,3"),
    (".", "12.5", 12.5), (".", "1,234.5", 1234.5), (".", "1’234.50", 1234.5), (".", "1,2", "1,2"),
    (".", "12,345", 12345.0), (".", "1,23", "1,23"), ("", "12.5", 12.5), ("", "1,2,3", "1,2,3"),
    ("", "zwölf", "zwölf"), (",", "nan", "nan"),
])  # fmt: skip
def test_a_number_is_read_by_the_decimal_sign_of_its_mapping(
    tmp_path: Path, decimal: str, text: str, number: float | str
):
    mapping = a_mapping(tmp_path, f'decimal = "{decimal}"' if decimal else "")

    (told,) = leads(mapping, a_file(tmp_path, (*ROW[:4], "1", "Weg", text)))

    assert told["attributes"]["Umsatz"] == number


@pytest.mark.parametrize("text", ["12,5", "1.234,50", "1,234", "1,234.50"])
@pytest.mark.parametrize("place", [4, 6])
def test_a_number_that_only_a_decimal_sign_makes_clear_asks_for_it(tmp_path: Path, text: str, place: int):
    mapping = a_mapping(tmp_path, "")
    path = a_file(
        tmp_path, tuple(text if at == place else told for at, told in enumerate((*ROW[:4], "1", "Weg", "2")))
    )

    chosen, _ = load_mapping(str(mapping))

    with pytest.raises(BadMapping, match=r'column=(Wert|Umsatz), why=.*decimal = ","'):
        read_csv(path, chosen)


@pytest.mark.parametrize(("was", "becomes", "says"), [
    ('"Europe/Berlin"', '"Berlin"', "where=timezone, why=.*not an IANA time zone, such as Europe/Berlin"),
    ('"DE"', '"de"', "where=phone_region, why=.*two capital letters"),
    ('decimal = ","', 'encoding = "ansi"', "where=encoding, why=.*no such encoding; windows-1252"),
    ('decimal = ","', 'encoding = "hex"', "where=encoding, why=.*no such encoding"),
    ('decimal = ","', 'decimal = ";"', "where=decimal"),
    ("%d.%m.%Y %H:%M", "%d.%m.%Q", r"where=lead.created_at, why=format = '%d.%m.%Q' tells no full day"),
    ("%d.%m.%Y %H:%M", "%d.%m. %H:%M", "tells no full day"),
    ('value = "Wert"', 'value = { column = "Wert", format = "%Y" }', "lead.value, why=format .* instants"),
    ('{ value = "spring" }', '{ value = "spring sale" }', "lead.campaign, why='spring sale' is never taken"),
    ('{ value = "spring" }', '{ value = "a", column = "b" }', "either a column or a value"),
    ('{ value = "spring" }', '{ prefix = "b" }', "either a column or a value"),
    ('"referral"', '"Tell a friend"', "lead.channel, why='Tell a friend' is never taken"),
    ('phone = "Telefon"', 'phone = { value = "12" }', r"lead.phone, why='12' is never taken"),
    ('lead_id = "Kunden-Nr."', "", "where=lead, why=lead_id: without it no row is taken in"),
    ('"Umsatz"]', '"Umsatz"]\nUmsatz = "Wert"', "Umsatz: an attribute that is told more than once"),
    ('"Umsatz"]', '"Umsatz", "Umsatz"]', "Umsatz: an attribute that is told more than once"),
    ('"Umsatz"]', '"a\\nb"]', "no name of an attribute"),
    ("[attributes]", '[disposition]\ndisposition = "x"\n[attributes]', "without .call."),
    ("[attributes]", '[call]\ncall_id = "x"\n[attributes]', "where=call, why=abandoned, .*started_at: "),
])  # fmt: skip
def test_a_mapping_that_cannot_work_is_refused_at_once_with_what_to_do(
    tmp_path: Path, was: str, becomes: str, says: str
):
    mapping = a_mapping(tmp_path, becomes=(was, becomes))

    with pytest.raises(BadMapping, match=says) as refused:
        load_mapping(str(mapping))

    assert refused.value.code == "bad_mapping"


def test_a_mapping_that_maps_nothing_is_refused(tmp_path: Path):
    (tmp_path / "empty.toml").write_text('name = "x"\nversion = 1\n')

    with pytest.raises(BadMapping, match=r"neither \[lead\] nor \[call\]"):
        load_mapping(str(tmp_path / "empty.toml"))
