"""Files: CSV by a mapping, NDJSON by shape, from the plain file or its zip."""

import zipfile
from typing import Any, cast

import pytest

from features.errors import BadMapping, LeakingColumn, UnknownSince, UnreadableFile
from features.sources.csv_file import read_csv
from features.sources.mapping import Mapping, load_mapping, shipped
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
    assert (call["id"], call["time"]) == ("c7", "2026-07-05T11:01:30+02:00")
    assert call["data"]["talk_s"] == 90.0
    assert call["data"]["caller_id"] == "+4930901820"
    assert call["data"]["human_answered"] is True
    assert disposed["data"] == {"call_id": "c7", "disposition": "converted"}


def test_what_can_t_be_read_stays_text_for_the_wire_to_refuse(tmp_path, mapping):
    (record,) = records(tmp_path, mapping, ROW.replace("2026-07-05T11:00:00,90", "some day,long"))

    call, _ = events_of(record)
    assert call["data"]["started_at"] == "some day"
    assert call["data"]["talk_s"] == "long"


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
    ['updated_at = "dialed"', 'updated_at = { value = "2026-07-01T00:00:00Z" }', 'created_at = "length"'],
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


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "x.ndjson"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UnreadableFile, match=r"x\.ndjson"):
        list(read_ndjson(path))
