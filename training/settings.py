"""The settings of this room, read from the environment once, where a command begins."""

from pathlib import Path

from pydantic import Field

from features.settings import StoreSettings


class TrainingSettings(StoreSettings):
    """Where the past is kept and where trainings are recorded."""

    mlflow_uri: str = Field("sqlite:///mlruns/mlflow.db", description="MLflow's tracking and registry")
    search_file: Path = Field(
        Path("mlruns/search.db"),
        description="what `leadrank train --search` tried, an SQLite file of its own",
    )
    allow_suspicious: str = Field(
        "", description="features that a training may use although they tell a lot, comma-separated"
    )

    def suspicious(self) -> list[str]:
        """The names of `allow_suspicious`."""
        return [name.strip() for name in self.allow_suspicious.split(",") if name.strip()]
