"""The dirty feed: a clean log as real dialers would deliver it, each defect at its known rate."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.random import Generator

from ..calls import Outcome
from ..instants import HOUR, MINUTE, SECOND, parse, render, to_datetime
from .arrivals import stream
from .floor import Call
from .messages import Message, shift_name
from .world import World, agent_id, lead_id, phone

DUPLICATED, DELAYED, VERY_LATE = 0.01, 0.02, 0.005
IMPOSSIBLE, UNKNOWN_CODE, NO_END = 0.001, 0.003, 0.002
SKEW_S = 3.0
FAST_DIALER, FAST_BY = "dialer-4", 37 * MINUTE
_DIALERS = ("dialer-1", "dialer-2", "dialer-3", FAST_DIALER)
_DIRTY = 1 << 44
_CALL = "io.leadrank.call.attempted"
_CODES = ("XFER9", "", "Callback??", "LVM-2", "do not ring")


def dirtied(world: World, events: Sequence[Message]) -> tuple[list[Message], dict[str, int]]:
    """The events in order of delivery, with their defects, and how many there are of each."""
    rng = stream(world.seed, _DIRTY)
    counts = dict.fromkeys(("duplicated", "delayed", "very_late", "impossible", "unknown_code", "no_end"), 0)
    delivered: list[tuple[int, int, Message]] = []
    for n, clean in enumerate(events):
        one = _spoiled(clean, rng, counts)
        if one is None:
            continue
        at = parse(str(clean["time"])) + _delay(rng, counts)
        delivered.append((at, n, one))
        if rng.random() < DUPLICATED:
            counts["duplicated"] += 1
            delivered.append((at + int(rng.exponential(30)) * SECOND, n, one))
    return [one for _, _, one in sorted(delivered, key=lambda row: row[:2])], counts


def _delay(rng: Generator, counts: dict[str, int]) -> int:
    """Microseconds between an event and its delivery."""
    coin = rng.random()
    if coin < VERY_LATE:
        counts["very_late"] += 1
        return int((24 + rng.exponential(24)) * HOUR) + MINUTE
    if coin < VERY_LATE + DELAYED:
        counts["delayed"] += 1
        return int(rng.lognormal(np.log(20), 1.0) * MINUTE)
    return 0


def _spoiled(clean: Message, rng: Generator, counts: dict[str, int]) -> Message | None:
    """A copy with a skewed clock and perhaps one defect; None if it never arrives."""
    if clean["type"] != _CALL:
        return clean
    content = dict(cast(Message, clean["data"]))
    dialer = _DIALERS[dialer_of(str(content["lead_id"]))]
    skew = int(rng.normal(0, SKEW_S) * SECOND) + (FAST_BY if dialer == FAST_DIALER else 0)
    content |= {name: render(parse(str(content[name])) + skew) for name in _instants(content)}
    content["dialer_id"] = dialer
    time = render(parse(str(clean["time"])) + skew)
    coin = rng.random()
    if coin < NO_END:
        counts["no_end"] += 1
        return None
    if coin < NO_END + IMPOSSIBLE:
        counts["impossible"] += 1
        content |= _impossible(content, rng)
    elif coin < NO_END + IMPOSSIBLE + UNKNOWN_CODE:
        counts["unknown_code"] += 1
        content["outcome"] = str(rng.choice(_CODES))
    return clean | {"time": time, "source": f"/{dialer}", "data": content}


def _instants(content: Message) -> list[str]:
    return [name for name in ("started_at", "answered_at", "ended_at") if name in content]


def _impossible(content: Message, rng: Generator) -> Message:
    """A negative talk, or a call that ended before it began."""
    if rng.random() < 0.5:
        return {"talk_s": -1.0 - float(rng.integers(0, 60))}
    return {"ended_at": render(parse(str(content["started_at"])) - 90 * SECOND)}


def dialer_of(lead: str) -> int:
    """Which of the four dialers calls a lead."""
    return int(lead.rsplit("-", 1)[1]) % len(_DIALERS)


VICIDIAL = {
    Outcome.NO_ANSWER: "NA",
    Outcome.BUSY: "B",
    Outcome.MACHINE: "AA",
    Outcome.DISCONNECTED: "ADC",
    Outcome.WRONG_NUMBER: "WRONG",
    Outcome.ABANDONED: "DROP",
    Outcome.CONTACT_REFUSED: "NI",
    Outcome.CONTACT_NO_DECISION: "NP",
    Outcome.CALLBACK: "CALLBK",
    Outcome.CONVERTED: "SALE",
    Outcome.DO_NOT_CALL: "DNC",
    Outcome.ERROR: "ERI",
}
FIVE9 = {
    Outcome.NO_ANSWER: "No Answer",
    Outcome.BUSY: "Busy",
    Outcome.MACHINE: "Answering Machine",
    Outcome.DISCONNECTED: "Operator Intercept",
    Outcome.WRONG_NUMBER: "Wrong Number",
    Outcome.ABANDONED: "Abandon",
    Outcome.CONTACT_REFUSED: "Not Interested",
    Outcome.CONTACT_NO_DECISION: "Undecided",
    Outcome.CALLBACK: "Call Back",
    Outcome.CONVERTED: "Sale",
    Outcome.DO_NOT_CALL: "Do Not Call",
    Outcome.ERROR: "Dial Error",
}
GENESYS = {
    Outcome.NO_ANSWER: "ININ-OUTBOUND-NO-ANSWER",
    Outcome.BUSY: "ININ-OUTBOUND-BUSY",
    Outcome.MACHINE: "ININ-OUTBOUND-MACHINE",
    Outcome.DISCONNECTED: "ININ-OUTBOUND-SIT-UNCALLABLE",
    Outcome.WRONG_NUMBER: "Wrong_Number",
    Outcome.ABANDONED: "ININ-OUTBOUND-ABANDON",
    Outcome.CONTACT_REFUSED: "Refused",
    Outcome.CONTACT_NO_DECISION: "Contact_Open",
    Outcome.CALLBACK: "Callback_Scheduled",
    Outcome.CONVERTED: "Success",
    Outcome.DO_NOT_CALL: "DNC_Request",
    Outcome.ERROR: "ININ-OUTBOUND-FAILED-TO-REACH-AGENT",
}
FREE_TEXT = {
    Outcome.NO_ANSWER: "nobody picked up",
    Outcome.BUSY: "line busy",
    Outcome.MACHINE: "left no msg on voicemail",
    Outcome.DISCONNECTED: "number not in service",
    Outcome.WRONG_NUMBER: "wrong person!!",
    Outcome.ABANDONED: "dropped before agent",
    Outcome.CONTACT_REFUSED: "not interested",
    Outcome.CONTACT_NO_DECISION: "talked, thinking about it",
    Outcome.CALLBACK: "call again later",
    Outcome.CONVERTED: "SOLD",
    Outcome.DO_NOT_CALL: "asked to be taken off the list",
    Outcome.ERROR: "call failed",
}


def write_vocabularies(world: World, log: Sequence[Call], folder: Path) -> None:
    """Write each dialer's calls as its kind exports them: its words, its columns, its clock."""
    by_dialer: list[list[Call]] = [[] for _ in _DIALERS]
    for call in log:
        by_dialer[dialer_of(lead_id(call.lead))].append(call)
    _write_csv(folder / "calls-vicidial.csv", [_vicidial_row(call) for call in by_dialer[0]])
    _write_csv(folder / "calls-five9.csv", [_five9_row(call) for call in by_dialer[1]])
    _write_csv(folder / "calls-genesys.csv", [_genesys_row(call) for call in by_dialer[2]])
    _write_csv(folder / "calls-free-text.csv", [_free_text_row(world, call) for call in by_dialer[3]])


def _vicidial_row(call: Call) -> Message:
    return {
        "uniqueid": call.call_id,
        "vendor_lead_code": lead_id(call.lead),
        "phone_number": phone(call.lead)[2:],
        "call_date": to_datetime(call.started_at).strftime("%Y-%m-%d %H:%M:%S"),
        "length_in_sec": (call.ended_at - call.started_at) // SECOND,
        "status": VICIDIAL[call.outcome],
        "user": agent_id(call.agent),
    }


def _five9_row(call: Call) -> Message:
    seconds = int(call.talk_s)
    return {
        "CALL ID": call.call_id,
        "TIMESTAMP": to_datetime(call.started_at).strftime("%a, %d %b %Y %H:%M:%S"),
        "AGENT": agent_id(call.agent),
        "DNIS": phone(call.lead)[1:],
        "DISPOSITION": FIVE9[call.outcome],
        "TALK TIME": f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}",
        "external_id": lead_id(call.lead),
    }


def _genesys_row(call: Call) -> Message:
    return {
        "conversationId": call.call_id,
        "contactId": lead_id(call.lead),
        "startTime": render(call.started_at),
        "endTime": render(call.ended_at),
        "wrapUpCode": GENESYS[call.outcome],
        "tTalkMs": round(call.talk_s * 1000),
        "tAcwMs": round(call.wrap_s * 1000),
        "userId": agent_id(call.agent),
    }


def _free_text_row(world: World, call: Call) -> Message:
    return {
        "when": to_datetime(call.started_at + FAST_BY).strftime("%d/%m/%Y %H:%M"),
        "who": lead_id(call.lead),
        "tel": phone(call.lead),
        "agent": agent_id(call.agent),
        "shift": shift_name(world, call.agent, call.started_at),
        "minutes": f"{(call.ended_at - call.started_at) / MINUTE:.1f}",
        "remark": FREE_TEXT[call.outcome],
    }


def _write_csv(path: Path, rows: Sequence[Message]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        if rows:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
