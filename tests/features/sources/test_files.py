"""Files: CSV by a mapping, NDJSON by shape, from the plain file or its zip."""

import re
import zipfile
from pathlib import Path
from typing import Any, cast

import pytest

from features.errors import BadMapping, LeakingColumn, UnknownSince, UnreadableFile
from features.sources.bank_marketing import bank_past
from features.sources.csv_file import read_csv
from features.sources.loading import load_mapping, shipped
from features.sources.mapping import Mapping
from features.sources.ndjson_file import read_ndjson
from features.sources.record import Record

MAPPING = """
name = "ours"
version = 1
timezone = "Europe/Berlin"
phone_region = "DE"
[lead]
lead_id = { column = "id", prefix = "crm-" }
campaign = { value = "spring" }
created_at = { column = "created", format = "%d.%m.%Y %H:%M" }
channel = { column = "via", words = { Web = "web_form" } }
phone = "phone"
[attributes]
columns = ["pets"]
car = { column = "vehicle", missing = ["-"] }
[refused]
length = "known only after the call"
[call]
call_id = "call"
lead_id = { column = "id", prefix = "crm-" }
campaign = { value = "spring" }
dialer_id = { value = "d1" }
caller_id = "phone"
started_at = "dialed"
ended_at = { column = "dialed", plus_seconds = "length" }
outcome = "code"
talk_s = "length"
human_answered = "human"
abandoned = { value = "no" }
[disposition]
disposition = "code"
"""
HEAD = "id,created,via,phone,pets,vehicle,call,dialed,length,code,human"
ROW = "7,05.07.2026 10:00,Web,030 901820,2,-,c7,2026-07-05T11:00:00,90,converted,yes"


@pytest.fixture
def mapping(tmp_path) -> Mapping:
    (tmp_path / "ours.toml").write_text(MAPPING)
    return load_mapping(str(tmp_path / "ours.toml"))[0]


def records(tmp_path, mapping, *lines: str) -> list[Record]:
    (tmp_path / "export.csv").write_text("\n".join([HEAD, *lines]))
    return list(read_csv(tmp_path / "export.csv", mapping))


def events_of(record: Record) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", list(record.events))


def test_a_row_becomes_a_lead_with_its_zone_number_and_attributes(tmp_path, mapping):
    (record,) = records(tmp_path, mapping, ROW)

    assert record.leads == (
        {
            "lead_id": "crm-7",
            "campaign": "spring",
            "created_at": "2026-07-05T10:00:00+02:00",
            "channel": "web_form",
            "phones": [{"e164": "+4930901820", "type": None}],
            "attributes": {"pets": 2.0, "car": None},
        },
    )


def test_a_row_becomes_a_call_and_its_disposition(tmp_path, mapping):
    (record,) = records(tmp_path, mapping, ROW)

    call, disposed = events_of(record)
    assert re.fullmatch(r"c7\.[0-9a-f]{12}", call["id"])
    assert re.fullmatch(r"c7\.disposed\.[0-9a-f]{12}", disposed["id"])
    assert call["time"] == "2026-07-05T11:01:30+02:00"
    assert call["data"]["talk_s"] == 90.0
    assert call["data"]["caller_id"] == "+4930901820"
    assert call["data"]["human_answered"] is True
    assert disposed["data"] == {"call_id": "c7", "disposition": "converted"}


def test_what_can_t_be_read_stays_text_for_the_wire_to_refuse(tmp_path, mapping):
    (record,) = records(tmp_path, mapping, ROW.replace("2026-07-05T11:00:00,90", "some day,long"))

    call, _ = events_of(record)
    assert call["data"]["started_at"] == "some day"
    assert call["data"]["talk_s"] == "long"


def test_the_id_of_an_event_changes_with_what_its_row_says_and_with_nothing_else(tmp_path, mapping):
    rows = [ROW, ROW.replace("Web", "Shop"), ROW.replace(",90,", ",91,"), ROW.replace("converted", "busy")]

    same, elsewhere, longer, busy = ([event["id"] for event in events_of(record)] for record in
                                     records(tmp_path, mapping, *rows))  # fmt: skip

    assert same == elsewhere
    assert not {*same} & {*longer}
    assert not {*same} & {*busy}


def test_rows_without_a_call_id_are_events_of_their_own(tmp_path, mapping):
    rows = [ROW.replace("c7", ""), ROW.replace("c7", "").replace("7,05", "8,05")]

    read = records(tmp_path, mapping, *rows)

    named = [event["id"] for record in read for event in events_of(record)]
    assert len({*named}) == 4
    assert not any("None" in name for name in named)
    assert not any("call_id" in event["data"] for record in read for event in events_of(record))
    assert read == records(tmp_path, mapping, *rows)


def test_a_zip_is_read_like_the_file_it_holds(tmp_path, mapping):
    plain = records(tmp_path, mapping, ROW)
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(tmp_path / "export.csv", "export.csv")
        archive.writestr("__MACOSX/export.csv", "junk")

    assert list(read_csv(tmp_path / "export.zip", mapping)) == plain


def test_a_file_without_the_mapped_columns_is_refused(tmp_path, mapping):
    (tmp_path / "export.csv").write_text("id,created\n7,now\n")

    with pytest.raises(BadMapping, match="phone"):
        list(read_csv(tmp_path / "export.csv", mapping))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[refused]\n[refused]", "TOML|declare|define"),
        ("colour = 3\n[refused]", "attributes"),
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused(tmp_path, line, says):
    (tmp_path / "bad.toml").write_text(MAPPING.replace("[refused]", line))

    with pytest.raises(BadMapping, match=says):
        load_mapping(str(tmp_path / "bad.toml"))


@pytest.mark.parametrize(
    ("line", "becomes", "says"),
    [
        ("[refused]", 'talk = "length"\n[refused]', "column=length, asked_as=talk, reason=known only after"),
        ("[refused]", 'told = "code"\n[refused]', "column=code, .*as its disposition"),
        ("[refused]", 'who = "human"\n[refused]', "column=human, .*as its human_answered"),
        ("[refused]", 'x = "talk_time"\n[refused]', "column=talk_time"),
        ("[refused]", 'outcome = "x"\n[refused]', "attribute=outcome"),
        ('"pets"]', '"pets", "call_duration"]', "column=call_duration"),
        ("[attributes]", 'value = "length"\n[attributes]', "column=length, asked_as=value"),
        (
            "[refused]",
            'pin = "pin"\n[refused]\npin = "a secret"',
            "column=pin, asked_as=pin, reason=a secret",
        ),
    ],
)
def test_what_only_the_call_tells_is_refused_by_name(tmp_path, line, becomes, says):
    (tmp_path / "bad.toml").write_text(MAPPING.replace(line, becomes))

    with pytest.raises(LeakingColumn, match=says) as refused:
        load_mapping(str(tmp_path / "bad.toml"))

    assert refused.value.code == "leaking_column"


def test_what_is_known_as_the_call_begins_is_not_refused(tmp_path):
    """The end of a call is its beginning and its length: that makes the beginning no secret."""
    (tmp_path / "ours.toml").write_text(MAPPING.replace("[refused]", 'last_order = "dialed"\n[refused]'))

    mapping, _ = load_mapping(str(tmp_path / "ours.toml"))

    assert "last_order" in mapping.attribute_cells
    assert set(mapping.withheld) == {"length", "code", "human"}


def test_attributes_without_an_instant_since_when_they_are_known_are_refused_by_name(tmp_path):
    lines = [line for line in MAPPING.splitlines() if not line.startswith("created_at")]
    (tmp_path / "bad.toml").write_text("\n".join(lines))

    with pytest.raises(UnknownSince, match=r"attributes=pets, car, .*created_at") as refused:
        load_mapping(str(tmp_path / "bad.toml"))

    assert refused.value.code == "unknown_since"


@pytest.mark.parametrize(
    "since",
    ['created_at = "dialed"', 'created_at = { value = "2026-07-01T00:00:00Z" }', 'created_at = "length"'],
)
def test_any_instant_says_since_when_attributes_are_known(tmp_path, since):
    """A column, a fixed instant, or one that the call tells: before it, nothing is known."""
    lines = [line for line in MAPPING.splitlines() if not line.startswith("created_at")]
    (tmp_path / "ours.toml").write_text("\n".join(lines).replace("[attributes]", f"{since}\n[attributes]"))

    mapping, _ = load_mapping(str(tmp_path / "ours.toml"))

    assert list(mapping.attribute_cells) == ["pets", "car"]


def test_a_mapping_to_a_field_that_the_wire_lacks_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_text(MAPPING.replace("dialer_id =", "dialler ="))

    with pytest.raises(BadMapping, match="dialler"):
        load_mapping(str(tmp_path / "bad.toml"))


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_mapping_can_be_loaded(name):
    mapping, _ = load_mapping(name)

    assert mapping.name == name


def test_a_mapping_that_is_nowhere_names_those_that_ship():
    with pytest.raises(BadMapping, match="bank-marketing"):
        load_mapping("no-such-mapping")


def test_lines_are_told_apart_by_their_shape(tmp_path):
    path = tmp_path / "mixed.ndjson"
    path.write_text('{"lead_id": "a"}\n\n{"specversion": "1.0", "id": "e"}\n{"x": 1}\n[1]\n{oops\n')

    read = list(read_ndjson(path))

    assert read == [
        Record(leads=({"lead_id": "a"},)),
        Record(events=({"specversion": "1.0", "id": "e"},)),
        Record(fault="neither_lead_nor_event"),
        Record(fault="not_an_object"),
        Record(fault="not_json"),
    ]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00ba", b"b\x80d"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "x.ndjson"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UnreadableFile, match=r"x\.ndjson"):
        list(read_ndjson(path))


def test_a_mapping_that_is_no_utf_8_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"# f\xfcr uns\n" + MAPPING.encode())

    with pytest.raises(BadMapping, match="UTF-8"):
        load_mapping(str(tmp_path / "bad.toml"))


@pytest.mark.parametrize("delimiter", ["; ", "", "\\n", "\\u0022"])
def test_a_delimiter_is_one_character(tmp_path, delimiter):
    (tmp_path / "bad.toml").write_text(f'delimiter = "{delimiter}"\n{MAPPING}')

    with pytest.raises(BadMapping, match="delimiter"):
        load_mapping(str(tmp_path / "bad.toml"))


@pytest.mark.parametrize("length", ["inf", "1e300", "nan", "-1e12", "", "long"])
@pytest.mark.parametrize("zone", ["", "Z"])
def test_an_end_that_can_t_be_told_is_no_instant(tmp_path, mapping, length, zone):
    (record,) = records(tmp_path, mapping, ROW.replace("11:00:00,90", f"11:00:00{zone},{length}"))

    call, _ = events_of(record)
    assert call["data"]["ended_at"] == f"2026-07-05T11:00:00{zone} and {length} seconds"


def test_a_call_over_the_change_of_clocks_is_as_long_as_it_was(tmp_path, mapping):
    dialed = ROW.replace("2026-07-05T11:00:00,90", "2026-10-25T01:50:00,4200")

    (record,) = records(tmp_path, mapping, dialed)

    call, _ = events_of(record)
    assert call["data"]["started_at"] == "2026-10-25T01:50:00+02:00"
    assert call["data"]["ended_at"] == "2026-10-25T02:00:00+01:00"


def test_a_field_too_long_for_a_csv_file_makes_it_unreadable(tmp_path, mapping):
    with pytest.raises(UnreadableFile, match="field"):
        records(tmp_path, mapping, ROW.replace("Web", "W" * 140_000))


def test_a_file_in_another_encoding_is_told_how_to_convert(tmp_path, mapping):
    (tmp_path / "export.csv").write_bytes(f"{HEAD}\n{ROW.replace('Web', 'für')}".encode("latin-1"))

    with pytest.raises(UnreadableFile, match="iconv"):
        list(read_csv(tmp_path / "export.csv", mapping))


def a_zip(tmp_path: Path, content: str) -> bytes:
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.csv", content)
    return (tmp_path / "export.zip").read_bytes()


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_zip_that_broke_off_is_said_to_be_damaged(tmp_path, mapping, kept):
    whole = a_zip(tmp_path, f"{HEAD}\n{ROW}")
    (tmp_path / "export.zip").write_bytes(whole[: int(len(whole) * kept)])

    with pytest.raises(UnreadableFile, match="damaged zip"):
        list(read_csv(tmp_path / "export.zip", mapping))


def test_a_zip_with_other_bytes_inside_is_said_to_be_damaged(tmp_path, mapping):
    whole = bytearray(a_zip(tmp_path, f"{HEAD}\n{ROW}"))
    whole[60:64] = b"\xff\xff\xff\xff"
    (tmp_path / "export.zip").write_bytes(whole)

    with pytest.raises(UnreadableFile, match="damaged zip"):
        list(read_csv(tmp_path / "export.zip", mapping))


def test_a_zip_with_a_password_is_said_to_have_one(tmp_path, mapping):
    whole = bytearray(a_zip(tmp_path, f"{HEAD}\n{ROW}"))
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "export.zip").write_bytes(whole)

    with pytest.raises(UnreadableFile, match="encrypted"):
        list(read_csv(tmp_path / "export.zip", mapping))


def test_another_file_than_the_bank_s_is_refused_by_both_doors(tmp_path):
    (tmp_path / "export.csv").write_text(f"{HEAD}\n{ROW}")

    with pytest.raises(BadMapping, match=r"without=.*month"):
        list(read_csv(tmp_path / "export.csv", load_mapping("bank-marketing")[0]))
    with pytest.raises(UnreadableFile, match=r"without=.*month"):
        bank_past(tmp_path / "export.csv")
