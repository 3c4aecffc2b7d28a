"""Attributes that are stored but never become features, each with its reason."""

from collections.abc import Collection

PROTECTED = {
    "age", "age_band", "birth_date", "birthdate", "date_of_birth", "dob", "birth_year",
    "gender", "sex", "pronouns", "title", "salutation",
    "race", "ethnicity", "nationality", "citizenship", "native_language", "religion",
    "marital", "marital_status", "children", "pregnancy",
    "disability", "health", "sexual_orientation", "union_member", "political_opinion",
    "first_name", "last_name", "name", "full_name",
}  # fmt: skip
"""Protected attributes and their obvious proxies; an installation may allow-list one, with a reason."""

AFTER_THE_CALL = {
    "duration", "call_duration", "talk_s", "talk_time", "hold_s", "wrap_s", "handle_time",
    "disposition", "outcome", "converted", "sale", "sold", "y", "result", "ended_at", "answered_at",
}  # fmt: skip
"""What only the call itself tells: a model that sees it predicts the past."""


def refusal(name: str, allowed: Collection[str] = ()) -> str | None:
    """Why an attribute may not be a feature, or None if it may."""
    plain = _plain(name)
    if plain in AFTER_THE_CALL:
        return "known only after the call"
    if plain in PROTECTED and plain not in map(_plain, allowed):
        return "protected attribute, not allow-listed"
    return None


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_").replace(".", "_")
