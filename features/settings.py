"""The settings of this room, read from the environment once, where a command begins."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class StoreSettings(BaseSettings):
    """Where the past is kept, and the secret that keys its pseudonyms."""

    model_config = SettingsConfigDict(env_prefix="LEADRANK_", extra="ignore")

    database_url: str = Field("sqlite:///var/leadrank.db", description="SQLite file or PostgreSQL database")
    secret: SecretStr | None = Field(
        None, description="keys the pseudonyms; else the database keeps one of its own"
    )

    def secret_text(self) -> str | None:
        """The secret as text, for `open_engine`."""
        return None if self.secret is None else self.secret.get_secret_value()
