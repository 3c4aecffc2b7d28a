"""Every KPI by every dimension as a query over the rows of the store, written from the definitions alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from features.instants import parse

ZONES = {"spring": "America/New_York", "autumn": "Europe/Berlin"}
CLOCKS = {
    "spring": (("1970-01-01T00:00Z", -5), ("2026-03-08T07:00Z", -4), ("2026-11-01T06:00Z", -5)),
    "autumn": (("1970-01-01T00:00Z", 1), ("2026-03-29T01:00Z", 2), ("2026-10-25T01:00Z", 1)),
}
"""How many hours each floor's clocks are ahead of UTC, and since when, as the tz database has it for 2026."""

SHIFT = """CASE WHEN {campaign} = 'spring' THEN
      CASE WHEN {clock} >= '0600' AND {clock} < '1800' THEN 'day' ELSE 'night' END
    WHEN {clock} >= '1430' AND {clock} < '2215' THEN 'late'
    WHEN {clock} >= '2200' OR {clock} < '0545' THEN 'night' END"""
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


@dataclass(frozen=True)
class Clock:
    """How one database tells the time on a floor's wall."""

    postgresql: bool

    def says(self, what: str, at: str, campaign: str) -> str:
        """The hour, the weekday, the day or the clock (as `0945`) of an instant, as a word."""
        if self.postgresql:
            zone = f"(SELECT f.zone FROM floor f WHERE f.campaign = {campaign})"
            wall = f"(timestamptz 'epoch' + {at} * interval '1 microsecond') AT TIME ZONE {zone}"
            forms = {"hour": "HH24", "weekday": "FMday", "day": "YYYY-MM-DD", "clock": "HH24MI"}
            return f"to_char({wall}, '{forms[what]}')"
        ahead = f"""(SELECT k.ahead FROM clock k WHERE k.campaign = {campaign} AND k.since <= {at}
            ORDER BY k.since DESC LIMIT 1)"""
        forms = {"hour": "%H", "weekday": "%w", "day": "%Y-%m-%d", "clock": "%H%M"}
        word = f"strftime('{forms[what]}', ({at} + {ahead}) / 1000000, 'unixepoch')"
        if what != "weekday":
            return word
        names = " ".join(f"WHEN '{number}' THEN '{name}'" for number, name in enumerate(_DAYS))
        return f"CASE {word} {names} END"


def floors() -> str:
    """What a query has to know of the campaigns: their settings, and when their clocks change."""
    changes = [
        f"('{campaign}', {parse(since)}, {hours * 3_600_000_000})"
        for campaign, told in CLOCKS.items()
        for since, hours in told
    ]
    return f"""floor(campaign, zone, goal, confirmation, dials, horizon) AS (VALUES
        ('spring', '{ZONES["spring"]}', 'sale', FALSE, FALSE, 172800000000),
        ('autumn', '{ZONES["autumn"]}', 'contract', TRUE, TRUE, 2592000000000)),
      clock(campaign, since, ahead) AS (VALUES {", ".join(changes)})"""


SAID = """said AS MATERIALIZED (
    SELECT c.*, COALESCE(d.disposition, c.outcome) AS result,
      CASE WHEN d.call_id IS NULL THEN c.outcome = 9 ELSE d.converted END AS sells,
      COALESCE(d.value, l.value) AS worth, l.channel, l.source, a.team, f.goal, f.confirmation, f.dials,
      f.horizon
    FROM call c JOIN lead l ON l.id = c.lead JOIN floor f ON f.campaign = c.campaign
    LEFT JOIN disposition d ON d.call_id = c.call_id AND NOT EXISTS (
      SELECT 1 FROM disposition e WHERE e.call_id = d.call_id
      AND (e.event_at > d.event_at OR (e.event_at = d.event_at AND e.seq > d.seq)))
    LEFT JOIN agent a ON a.agent = c.agent)"""

RECORDED = """recorded AS MATERIALIZED (
    SELECT l.id AS lead, f.goal,
      (SELECT MIN(v.at) FROM conversion v WHERE v.lead = l.id AND v.goal = f.goal AND NOT v.cancelled) AS at,
      (SELECT v.value FROM conversion v WHERE v.lead = l.id AND v.goal = f.goal AND NOT v.cancelled
       ORDER BY v.event_at DESC, v.seq DESC LIMIT 1) AS value,
      (SELECT v.cancelled FROM conversion v WHERE v.lead = l.id AND v.goal = f.goal
       ORDER BY v.event_at DESC, v.seq DESC LIMIT 1) AS cancelled
    FROM lead l JOIN floor f ON f.campaign = l.campaign)"""

SALE = """sale AS MATERIALIZED (
    SELECT r.lead, r.value, r.cancelled, COALESCE(
      (SELECT s.call_id FROM said s WHERE s.lead = r.lead AND s.sells
       ORDER BY s.ended_at, s.started_at, s.call_id LIMIT 1),
      (SELECT s.call_id FROM said s WHERE s.lead = r.lead AND s.started_at <= r.at
       AND r.at - s.started_at <= s.horizon ORDER BY s.started_at DESC LIMIT 1)) AS call_id
    FROM recorded r)"""

ATTEMPT = """attempt AS MATERIALIZED (
    SELECT s.*, CASE WHEN o.call_id IS NOT NULL AND NOT COALESCE(o.cancelled, FALSE)
        AND (o.cancelled IS NOT NULL OR NOT s.confirmation) THEN 1.0 ELSE 0.0 END AS net,
      COALESCE(o.value, s.worth, 0) AS net_worth, p.arm AS policy, p.model_version,
      'call' AS contact_channel, {hour} AS hour, {weekday} AS weekday, {day} AS day,
      COALESCE(s.shift, {shift}) AS in_shift,
      s.human_answered AND COALESCE(s.talk_s, 10) >= 10 AS contact,
      s.human_answered AND s.result IN (6, 7, 8, 9, 10) AS right_party,
      s.abandoned AND s.result <> 2 AS lost, s.talk_s + s.hold_s + s.wrap_s AS handle_s,
      (s.ended_at - s.started_at) / 1000000.0 AS call_s,
      (CASE WHEN s.dials THEN (s.ended_at - s.started_at) / 1000000.0
       ELSE COALESCE(s.talk_s, 0) + COALESCE(s.hold_s, 0) END + COALESCE(s.wrap_s, 0)) / 3600.0 AS hours
    FROM said s LEFT JOIN sale o ON o.call_id = s.call_id
    LEFT JOIN decision p ON p.decision_id = COALESCE(
      (SELECT e.decision_id FROM decision e WHERE e.decision_id = s.decision_id),
      (SELECT e.decision_id FROM decision e WHERE e.lease_id = s.lease_id),
      (SELECT e.decision_id FROM decision e WHERE e.lead = s.lead AND e.at <= s.started_at
       AND s.started_at - e.at <= 1800000000 ORDER BY e.at DESC, e.decision_id DESC LIMIT 1)))"""

FIRST = """contacted AS MATERIALIZED (
    SELECT c.lead, c.started_at AS at, 'call' AS contact_channel, c.agent, c.script, c.shift, c.decision_id,
      c.lease_id FROM call c
    UNION ALL SELECT t.lead, t.at, t.channel, t.agent, NULL, NULL, NULL, NULL FROM touch t
    WHERE t.direction = 'outbound'),
  received AS MATERIALIZED (
    SELECT l.campaign, l.channel, l.source, l.created_at, w.at AS first_at, w.contact_channel, w.agent,
      a.team, w.script, p.arm AS policy, p.model_version, {hour} AS hour, {weekday} AS weekday,
      CASE WHEN w.at IS NOT NULL THEN COALESCE(w.shift, {shift}) END AS in_shift
    FROM lead l
    LEFT JOIN contacted w ON w.lead = l.id
      AND w.at = (SELECT MIN(o.at) FROM contacted o WHERE o.lead = l.id)
    LEFT JOIN agent a ON a.agent = w.agent
    LEFT JOIN decision p ON p.decision_id = COALESCE(
      (SELECT e.decision_id FROM decision e WHERE e.decision_id = w.decision_id),
      (SELECT e.decision_id FROM decision e WHERE e.lease_id = w.lease_id)))"""

SPELL = """spell AS (
    SELECT s.agent, a.team, s.state, s.at AS begins,
      COALESCE(LEAD(s.at) OVER (PARTITION BY s.agent ORDER BY s.at, s.seq), :until) AS ends
    FROM agent_state s LEFT JOIN agent a ON a.agent = s.agent
    WHERE s.agent IN (SELECT c.agent FROM call c
      WHERE c.campaign = :campaign AND c.started_at >= :since AND c.started_at < :until)),
  kept AS (
    SELECT agent, team, state, CASE WHEN begins > :since THEN begins ELSE :since END AS at,
      CASE WHEN ends < :until THEN ends ELSE :until END AS ends
    FROM spell WHERE ends - begins < 43200000000 AND state IN ('ready', 'on_call', 'wrap')
      AND begins < :until AND ends > :since),
  piece AS (
    SELECT agent, team, state, at, ends FROM kept
    UNION ALL SELECT agent, team, state, (at / 900000000 + 1) * 900000000, ends FROM piece
    WHERE (at / 900000000 + 1) * 900000000 < ends),
  quarter AS (
    SELECT agent, team, state, at, CASE WHEN ends < (at / 900000000 + 1) * 900000000
      THEN ends ELSE (at / 900000000 + 1) * 900000000 END - at AS spent FROM piece),
  staffed AS MATERIALIZED (
    SELECT agent, team, {hour} AS hour, {weekday} AS weekday, {day} AS day, {shift} AS in_shift,
      CASE WHEN state = 'ready' THEN 0 ELSE spent END AS busy, spent FROM quarter)"""
"""Time with agents, cut at every quarter of an hour."""


def _count(condition: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN 1.0 ELSE 0.0 END)"


def _total(number: str, condition: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN {number} ELSE 0.0 END)"


_AGENT_DAYS = "COUNT(DISTINCT CASE WHEN {kept} THEN COALESCE(agent, '') || ' ' || day END)"
_SPOKEN, _HANDLED = "contact AND talk_s IS NOT NULL", "contact AND handle_s IS NOT NULL"
_LIVE = "human_answered OR lost"
_CLEAN = "known_at - ended_at <= 86400000000 AND NOT (contact AND handle_s IS NULL)"

OF_ATTEMPTS: Mapping[str, tuple[str, str, str, int]] = {
    "call_conversion_rate": ("SUM(net)", "COUNT(*)", "COUNT(*)", 100),
    "contact_conversion_rate": ("SUM(net)", _count("contact"), _count("contact"), 100),
    "rpc_conversion_rate": ("SUM(net)", _count("right_party"), _count("right_party"), 100),
    "connect_rate": (_count("human_answered OR result NOT IN (0, 1, 3, 12)"), "COUNT(*)", "COUNT(*)", 100),
    "contact_rate": (_count("contact"), "COUNT(*)", "COUNT(*)", 100),
    "right_party_rate": (_count("right_party"), "COUNT(*)", "COUNT(*)", 100),
    "abandon_rate": (_count("lost"), _count(_LIVE), _count(_LIVE), 100),
    "average_call_duration": ("SUM(call_s)", "COUNT(*)", "COUNT(*)", 1),
    "average_talk_time": (_total("talk_s", _SPOKEN), _count(_SPOKEN), _count(_SPOKEN), 1),
    "handle_time": (_total("handle_s", _HANDLED), _count(_HANDLED), _count(_HANDLED), 1),
    "attempts_per_lead": ("COUNT(*)", "COUNT(DISTINCT lead)", "COUNT(DISTINCT lead)", 1),
    "data_quality": (_count(_CLEAN), "COUNT(*)", "COUNT(*)", 100),
    "conversions_per_agent_hour": (
        "SUM(net)", "SUM(hours)", _AGENT_DAYS.format(kept="net > 0 OR hours > 0"), 1
    ),
    "value_per_agent_hour": (
        "SUM(net * net_worth)", "SUM(hours)", _AGENT_DAYS.format(kept="net * net_worth > 0 OR hours > 0"), 1
    ),
}  # fmt: skip
"""Of each KPI the sum above, the sum below, how many units there are, and the scale."""

_REACHED = "first_at >= created_at"
_VALID = f"(first_at IS NULL OR {_REACHED})"
OF_LEADS: Mapping[str, tuple[str, str, str, int]] = {
    "lead_response_time": (
        _total("(first_at - created_at) / 1000000.0", _REACHED), _count(_REACHED), _count(_REACHED), 1
    ),
    "penetration": (_count(_REACHED), _count(_VALID), _count(_VALID), 100),
}  # fmt: skip

OF_AGENTS: Mapping[str, tuple[str, str, str, int]] = {
    "occupancy": ("SUM(busy)", "SUM(spent)", _AGENT_DAYS.format(kept="spent > 0"), 100)
}

NOT_OF_AGENTS = frozenset({"channel", "contact_channel", "source", "script", "model_version", "policy"})
"""Dimensions of calls and leads: what an agent's time was spent on, nobody says."""

Found = dict[str, dict[str | None, tuple[float | None, float]]]
"""Of each KPI and word the value (None: nothing to divide by), and the units it rests on."""


def asked(connection: Connection, by: str, campaign: str, since: int, until: int) -> Found:
    """Every KPI by a dimension."""
    clock = Clock(connection.dialect.name == "postgresql")
    bounds = {"since": since, "until": until, "campaign": campaign}

    def run(tables: str, formulas: Mapping[str, tuple[str, str, str, int]], word: str, where: str) -> Found:
        columns = [f"{part} AS c{n}_{k}" for n, f in enumerate(formulas.values()) for k, part in enumerate(f)]
        query = f"WITH RECURSIVE {floors()}, {tables} SELECT {word} AS word, {', '.join(columns)} {where}"
        rows = connection.execute(text(f"{query} GROUP BY {word}"), bounds).mappings().all()
        return {
            kpi: {row["word"]: _figure([row[f"c{n}_{k}"] for k in range(4)]) for row in rows}
            for n, kpi in enumerate(formulas)
        }

    word = "in_shift" if by == "shift" else by
    mine = "WHERE campaign = :campaign AND {at} >= :since AND {at} < :until"
    calls = ", ".join([SAID, RECORDED, SALE, _on_the_wall(ATTEMPT, clock, "s.started_at", "s.campaign")])
    leads = _on_the_wall(FIRST, clock, "l.created_at", "l.campaign", shift_at="w.at")
    spells = _on_the_wall(SPELL, clock, "at", "CAST(:campaign AS TEXT)")
    return (
        run(calls, OF_ATTEMPTS, word, f"FROM attempt {mine.format(at='started_at')}")
        | run(leads, OF_LEADS, word, f"FROM received {mine.format(at='created_at')}")
        | run(spells, OF_AGENTS, "CAST(NULL AS TEXT)" if by in NOT_OF_AGENTS else word, "FROM staffed")
    )


def _on_the_wall(query: str, clock: Clock, at: str, campaign: str, shift_at: str = "") -> str:
    words = {what: clock.says(what, at, campaign) for what in ("hour", "weekday", "day")}
    shift = SHIFT.format(campaign=campaign, clock=clock.says("clock", shift_at or at, campaign))
    return query.format(shift=shift, **words)


def _figure(told: list[float | None]) -> tuple[float | None, float]:
    above, below, units, scale = (float(part or 0) for part in told)
    return (scale * above / below if below else None), units
