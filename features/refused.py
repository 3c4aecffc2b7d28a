"""Attributes that are stored but never become features, each with its reason, and numbers too large."""

import unicodedata
from collections.abc import Collection

LARGEST = 1e30
"""A number further from 0 is refused: single precision holds it, and double precision its square."""

PROTECTED = {
    "age", "age_band", "birth_date", "birthdate", "date_of_birth", "dob", "birth_year",
    "gender", "sex", "pronouns", "title", "salutation",
    "race", "ethnicity", "nationality", "citizenship", "native_language", "religion",
    "marital", "marital_status", "children", "pregnancy",
    "disability", "health", "sexual_orientation", "union_member", "political_opinion",
    "first_name", "last_name", "name", "full_name",
    # German
    "alter", "altersgruppe", "geburtsdatum", "geburtsjahr", "geburtstag", "geschlecht", "anrede", "titel",
    "vorname", "nachname", "familienname", "familienstand", "kinder", "schwangerschaft", "konfession",
    "staatsangehorigkeit", "staatsangehoerigkeit", "nationalitat", "nationalitaet", "muttersprache",
    "behinderung", "gesundheit", "gewerkschaft", "sexuelle_orientierung",
    # French
    "tranche_d_age", "date_de_naissance", "date_naissance", "annee_de_naissance", "annee_naissance", "sexe",
    "genre", "civilite", "titre", "prenom", "nom", "nom_de_famille", "nom_complet", "situation_familiale",
    "etat_civil", "enfants", "grossesse", "nationalite", "langue_maternelle", "handicap", "sante",
    "syndicat", "orientation_sexuelle", "opinion_politique", "origine_ethnique",
}  # fmt: skip
"""Protected attributes and their obvious proxies, without accents; one may be allow-listed, with a reason."""

AFTER_THE_CALL = {
    "duration", "call_duration", "talk_s", "talk_time", "hold_s", "wrap_s", "handle_time",
    "disposition", "outcome", "converted", "sale", "sold", "y", "result", "ended_at", "answered_at",
}  # fmt: skip
"""What only the call itself tells: a model that sees it predicts the past."""

_AS_ONE = str.maketrans(" -.'’", "_____")


def refusal(name: str, allowed: Collection[str] = ()) -> str | None:
    """Why an attribute may not be a feature, or None if it may."""
    if _plain(name) in PROTECTED and _plain(name) not in map(_plain, allowed):
        return "protected attribute, not allow-listed"
    return after_the_call(name)


def after_the_call(name: str) -> str | None:
    """Why nothing of that name can be known of a lead before its call, or None if it can."""
    return "known only after the call" if _plain(name) in AFTER_THE_CALL else None


def _plain(name: str) -> str:
    if not name.isascii():
        told = unicodedata.normalize("NFKD", name)
        name = "".join(letter for letter in told if not unicodedata.combining(letter))
    return name.strip().lower().translate(_AS_ONE)
