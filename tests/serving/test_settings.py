"""Settings: what the environment may say."""

import pytest
from pydantic import ValidationError

from features.instants import DAY, HOUR, MINUTE
from serving.settings import Settings


@pytest.mark.parametrize(
    ("said", "every"), [("1d", DAY), ("12h", 12 * HOUR), ("30 M", 30 * MINUTE), ("off", None)]
)
def test_a_duration_is_read_in_words(monkeypatch, said, every):
    monkeypatch.setenv("LEADRANK_RETRAIN_EVERY", said)

    assert Settings().retrain_every == every


@pytest.mark.parametrize("said", ["1w", "0d", "soon", ""])
def test_a_duration_that_says_nothing_is_refused(monkeypatch, said):
    monkeypatch.setenv("LEADRANK_RETRAIN_EVERY", said)

    with pytest.raises(ValidationError):
        Settings()


def test_the_clock_is_the_systems_unless_it_is_said(monkeypatch):
    monkeypatch.delenv("LEADRANK_CLOCK", raising=False)
    assert Settings().clock == "system"

    monkeypatch.setenv("LEADRANK_CLOCK", "sundial")
    with pytest.raises(ValidationError):
        Settings()


def test_the_secret_is_not_shown(monkeypatch):
    monkeypatch.setenv("LEADRANK_SECRET", "tell nobody")

    settings = Settings()

    assert "tell nobody" not in repr(settings)
    assert settings.secret_text() == "tell nobody"
