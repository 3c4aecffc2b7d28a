"""The settings of this room, read from the environment once, where a command begins."""

from pydantic import Field

from features.settings import StoreSettings


class TrainingSettings(StoreSettings):
    """Where the past is kept and where trainings are recorded."""

    mlflow_uri: str = Field("sqlite:///mlruns/mlflow.db", description="MLflow's tracking and registry")
