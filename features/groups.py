"""Groups: what each feature is about, in the words of people who call; reasons are told by group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .kernel import Int64Array


@dataclass(frozen=True)
class Group:
    """Some features that answer one question together."""

    name: str
    title: str
    """For people, as it stands before the fact that tells most."""
    features: tuple[str, ...]
    """Names of lines, or how names begin that depend on the installation's leads: those end in `*`."""


ATTRIBUTE = "attribute_"
"""Each attribute of the leads is a group of its own: what it means, only the installation knows."""

GROUPS = (
    Group("freshness", "How fresh the lead is", ("lead_age_hours", "age_of_*")),
    Group(
        "tried",
        "How often it was called without an answer",
        (
            *("lead_attempts", "lead_calls_1d", "lead_calls_7d", "lead_calls_30d", "lead_calls_since_answer"),
            *("lead_no_answers_in_a_row", "lead_machines_30d", "lead_busy_30d", "lead_abandoned_30d"),
            *("lead_days_tried_30d", "lead_week_hours_tried_30d"),
        ),
    ),
    Group(
        "answers",
        "How readily it picks up",
        ("lead_answers_7d", "lead_answers_30d", "lead_answer_rate", "lead_hours_since_answer"),
    ),
    Group("pause", "How long it was left alone", ("lead_hours_since_call", "lead_hours_since_first_call")),
    Group(
        "talks",
        "What it said when it was reached",
        (
            *("lead_no_decisions_30d", "lead_refusals_90d", "lead_callbacks_30d", "lead_sales_90d"),
            *("lead_hours_since_callback", "lead_talk_seconds", "lead_longest_talk_90d", "lead_agents_90d"),
        ),
    ),
    Group(
        "promise",
        "The callback it agreed on",
        ("lead_hours_until_callback", "lead_hours_since_promise", "lead_promises_30d"),
    ),
    Group(
        "voice",
        "How its talks sounded",
        ("lead_sentiment", "lead_talk_ratio", "lead_interruptions", "lead_silence_seconds"),
    ),
    Group(
        "touches",
        "What passed besides calls",
        (
            *("lead_touches_7d", "lead_inbound_7d", "lead_emails_30d", "lead_sms_30d", "lead_chats_30d"),
            *("lead_forms_30d", "lead_hours_since_touch", "lead_hours_since_inbound"),
        ),
    ),
    Group("response", "How fast it was first called", ("lead_response_hours",)),
    Group(
        "hour",
        "The hour of its own day and week",
        (
            *("local_hour", "local_weekday", "local_hour_of_week", "lead_hour_answer_rate"),
            *("channel_hour_answer_rate", "source_hour_answer_rate", "region_hour_answer_rate"),
        ),
    ),
    Group(
        "holidays", "The next public holiday where it lives", ("local_holiday", "local_days_until_holiday")
    ),
    Group("arrival", "The hour at which it came in", ("arrival_hour",)),
    Group(
        "origin",
        "Where it came from",
        (
            *("channel", "source", "list", "channel_answer_rate", "channel_sale_rate", "source_answer_rate"),
            *("source_sale_rate", "source_dead_rate", "list_answer_rate", "list_sale_rate", "list_load_7d"),
        ),
    ),
    Group("place", "Where it lives", ("country", "region", "region_answer_rate", "region_sale_rate")),
    Group("worth", "What a sale to it is worth", ("lead_value",)),
    Group(
        "agent",
        "The agent's own record",
        (
            *("agent_sale_rate", "agent_answer_rate", "agent_talk_seconds", "agent_wrap_seconds"),
            *("agent_sentiment", "agent_contacts", "agent_hours_since_first_call"),
        ),
    ),
    Group(
        "match",
        "How the agent does with leads like it",
        ("agent_channel_sale_rate", "agent_source_sale_rate", "agent_hour_sale_rate"),
    ),
    Group(
        "shift",
        "How the agent's shift goes",
        (
            *("agent_calls_1h", "agent_calls_4h", "agent_calls_8h", "agent_hours_since_call"),
            "agent_talk_seconds_8h",
        ),
    ),
    Group(
        "line",
        "The number that calls it",
        ("line_answer_rate_1d", "line_answer_rate_14d", "line_load_1d"),
    ),
    Group("script", "The script in use", ("script_sale_rate", "script_refusal_rate")),
    Group("campaign", "How the campaign does", ("campaign", "campaign_sale_rate", "campaign_load_1d")),
    Group(
        "floor",
        "How the whole floor does lately",
        (
            *("floor_answer_rate_1d", "floor_answer_rate_7d", "floor_machine_rate_7d"),
            *("floor_sale_rate_1d", "floor_sale_rate_3d", "floor_sale_rate_14d"),
        ),
    ),
)

_BY_NAME = {name: group for group in GROUPS for name in group.features}
_BY_BEGINNING = [(name[:-1], group) for name, group in _BY_NAME.items() if name.endswith("*")]


def group_of(feature: str) -> Group:
    """The group of a feature by its name; one that nobody placed is a group of its own."""
    if feature in _BY_NAME:
        return _BY_NAME[feature]
    if feature.startswith(ATTRIBUTE):
        word = feature.removeprefix(ATTRIBUTE).replace("_", " ")
        return Group(feature, f"Its {word}", (feature,))
    placed = [group for beginning, group in _BY_BEGINNING if feature.startswith(beginning)]
    return placed[0] if placed else Group(feature, feature.replace("_", " ").capitalize(), (feature,))


def grouped(features: Sequence[str]) -> tuple[tuple[Group, ...], Int64Array]:
    """The groups of some features by name, in the order in which they first appear, and each one's place."""
    of_each = [group_of(name) for name in features]
    groups = tuple(dict.fromkeys(of_each))
    place = {group: code for code, group in enumerate(groups)}
    return groups, np.array([place[group] for group in of_each], np.int64)
