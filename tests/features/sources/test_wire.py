"""The wire: what a lead and an event may say; nothing unknown passes, nothing is coerced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from features.instants import parse, render
from features.sources.outcomes import Dialects, smells_of_stop
from features.sources.wire import EVENTS, Envelope, LeadIn
from features.sources.words import FIRST, LAST, instant_of
from tests.features.store.tellings import a_call, a_lead


@given(st.integers(FIRST, LAST - 1))
def test_every_instant_survives_the_wire(at):
    assert instant_of(render(at)) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-05",
        "2026-01-05T08:00:00",
        "20260105T080000Z....",
        "1970-01-01T00:00:00Z",
        "3000-01-01T00:00:00Z",
        5,
    ],
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(ValueError, match=r"instant|no time zone"):
        instant_of(text)


def test_an_offset_is_taken_into_account():
    assert instant_of("2026-01-05T10:00:00+02:00") == parse("2026-01-05T08:00:00Z")


def test_a_lead_keeps_the_kinds_of_its_attributes():
    lead = LeadIn.model_validate(a_lead(attributes={"n": 1, "x": 1.5, "w": "red", "t": True, "none": None}))

    assert {name: type(value) for name, value in lead.attributes.items()} == {
        "n": float,
        "x": float,
        "w": str,
        "t": bool,
        "none": type(None),
    }


@pytest.mark.parametrize("name", ["lead_id", "campaign", "created_at", "channel"])
def test_a_lead_without_what_it_needs_is_refused(name):
    item = a_lead()
    del item[name]

    with pytest.raises(ValidationError):
        LeadIn.model_validate(item)


def test_an_envelope_keeps_its_extensions_and_refuses_names_that_are_none():
    assert Envelope.model_validate(a_call() | {"traceparent": "00-1"}).model_extra == {"traceparent": "00-1"}
    with pytest.raises(ValidationError, match="extension"):
        Envelope.model_validate(a_call() | {"Trace-Parent": "00-1"})


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_type_refuses_unknown_fields(kind):
    with pytest.raises(ValidationError, match="Extra inputs"):
        EVENTS[kind].model_validate({"no_such_field": 1})


def test_a_source_that_names_its_dialer_speaks_that_dialers_codes():
    dialects = Dialects()

    assert dialects.outcome("vicidial/site-1", "SALE") == dialects.outcome("x", "converted")
    assert dialects.outcome("other", "SALE") is None


@pytest.mark.parametrize(
    "code", ["DNC", "dncl", "STOP", "stop_calling", "opt-out", "do not call", "DON'T CALL", "removed"]
)
def test_codes_that_ask_to_stop_smell(code):
    assert smells_of_stop(code)


@pytest.mark.parametrize("code", ["busy", "adopted", "nonstop", "contact_no_decision", "call", "not called"])
def test_other_codes_don_t_smell(code):
    assert not smells_of_stop(code)


@pytest.mark.parametrize("number", [1e39, -1e308, 10**40, 10**400, 1.1e30])
def test_a_number_that_nobody_could_reckon_with_is_refused(number):
    score = {"call_id": "c1"}

    for shape, told in (
        (LeadIn, a_lead(attributes={"x": number})),
        (LeadIn, a_lead(value=number)),
        (EVENTS["voice.scored"], score | {"sentiment": number}),
        (EVENTS["voice.scored"], score | {"silence_s": number}),
        (EVENTS["voice.scored"], score | {"tone": {"calm": number}}),
    ):
        with pytest.raises(ValidationError):
            shape.model_validate(told)


@pytest.mark.parametrize("number", [0, -7, 1.8e19, 2**63, 1e30, -1e30])
def test_a_large_number_is_an_attribute(number):
    assert LeadIn.model_validate(a_lead(attributes={"x": number})).attributes == {"x": float(number)}
