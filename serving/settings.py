"""The settings of the service, read from the environment once, in `create_app` or `cli.py`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from features.instants import DAY, HOUR, MINUTE
from features.settings import StoreSettings

from .destinations import Allowed

_EVERY = {"m": MINUTE, "h": HOUR, "d": DAY}


def duration(text: object) -> object:
    """Read `1d`, `12h`, `30m` as microseconds and `off` as None; other types pass for pydantic to judge."""
    if not isinstance(text, str):
        return text
    if text.strip().lower() == "off":
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,5})\s*([mhd])", text.strip().lower())
    if found is None:
        raise ValueError("say a duration such as 1d, 12h or 30m, or off")
    return int(found[1]) * _EVERY[found[2]]


def _places(text: str) -> str:
    Allowed.of(text)
    return text


class Settings(StoreSettings):
    """How one service runs: each field is the environment variable LEADRANK_<FIELD>."""

    mlflow_uri: str = Field("sqlite:///mlruns/mlflow.db", description="MLflow's tracking and registry")
    clock: Literal["system", "request"] = Field("system", description="who says what time it is")
    retrain_every: Annotated[int | None, BeforeValidator(duration)] = Field(
        DAY, description="a duration such as 1d, or off"
    )
    cache: str = Field("var/bundles", description="folder of the bundles fetched from the registry")
    checkpoints: str = Field(
        "var/checkpoints", description="folder of what a worker remembers of the store, for a quick restart"
    )
    crowd: str = Field(
        "", description="set by `leadrank serve`: by this file its workers share dialers evenly"
    )
    rankings: str = Field("var/rankings", description="folder of the rankings that dialers read")
    log_vectors: float = Field(
        0.05, ge=0, le=1, description="share of leads of which what the model saw is kept with each decision"
    )
    webhook_allow: Annotated[str, AfterValidator(_places)] = Field(
        "",
        description="hosts, addresses and networks, comma-separated, where webhooks may go though not public",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")
