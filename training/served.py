"""Served: a bundle as `mlflow models serve` runs it: text and code, rows of features in, figures out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from platform import python_version

import numpy as np

from features import Feature, FeatureMatrix
from features.instants import to_datetime
from features.kernel import Float32Array, Float64Array

from .bundle import Bundle, Scores

MODEL, CODE = "MLmodel", "model.py"
EXAMPLE, REQUEST = "input_example.json", "serving_input_example.json"

_FOLLOWS = tuple(field.name for field in fields(Scores) if field.name != "by_head")
"""What scores hold beside the heads."""

_CODE = '''"""The bundle beside this file, as `mlflow models serve` runs it where leadrank is installed."""

from pathlib import Path

import pandas as pd
from mlflow.models import set_model

from training.bundle import Bundle
from training.served import answers

BUNDLE = Bundle.load(Path(__file__).parent)


def predict(model_input: pd.DataFrame) -> pd.DataFrame:
    """A row of what every head says for each row of features."""
    return pd.DataFrame(answers(BUNDLE, {name: model_input[name].to_numpy(object) for name in model_input}))


set_model(predict)
'''


def answers(bundle: Bundle, columns: Mapping[str, Iterable[object]]) -> dict[str, Float64Array]:
    """What a bundle says of rows given as columns by feature; a feature that isn't given is missing."""
    told = {
        feature.name: _read(feature, columns[feature.name])
        for feature in bundle.features
        if feature.name in columns
    }
    rows = max((column.size for column in told.values()), default=0)
    missing = np.full(rows, np.nan, np.float32)
    values = np.column_stack([told.get(feature.name, missing) for feature in bundle.features])
    return outputs(bundle.predict(FeatureMatrix(bundle.features, values)))


def outputs(scores: Scores) -> dict[str, Float64Array]:
    """Scores as columns: every head by its name, and what follows from them."""
    return {**{name: getattr(scores, name) for name in _FOLLOWS}, **scores.by_head}


def package(bundle: Bundle, folder: Path) -> None:
    """Write beside a saved bundle what makes its folder a model of MLflow's: a description, and code."""
    example = {"columns": [feature.name for feature in bundle.features], "data": _example(bundle.features)}
    written = {
        CODE: _CODE,
        EXAMPLE: json.dumps(example),
        REQUEST: json.dumps({"dataframe_split": example}),
        MODEL: json.dumps(_description(bundle), indent=1),
    }
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")


def _description(bundle: Bundle) -> dict[str, object]:
    """What MLflow reads first; JSON is YAML."""
    inputs = [
        {"name": feature.name, "type": kind_of(feature), "required": False} for feature in bundle.features
    ]
    told = [{"name": name, "type": "double", "required": True} for name in (*_FOLLOWS, *bundle.models)]
    return {
        "flavors": {
            "python_function": {
                "code": None,
                "loader_module": "mlflow.pyfunc.loaders.code_model",
                "model_code_path": CODE,
                "python_version": python_version(),
                "streamable": False,
            }
        },
        "metadata": {"bundle": bundle.version, "fingerprint": bundle.fingerprint},
        "saved_input_example_info": {
            "artifact_path": EXAMPLE,
            "pandas_orient": "split",
            "serving_input_path": REQUEST,
            "type": "dataframe",
        },
        "signature": {"inputs": json.dumps(inputs), "outputs": json.dumps(told), "params": None},
        "utc_time_created": to_datetime(bundle.created_at).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }


def kind_of(feature: Feature) -> str:
    """MLflow's type of a feature: words for a category, numbers for all others."""
    return "string" if feature.categorical else "double"


def _example(features: tuple[Feature, ...]) -> list[list[object]]:
    """One lead of whom everything is known and one of whom nothing is: made up, nobody's own."""
    known: list[object] = [_levels(feature)[0] if _levels(feature) else 1.0 for feature in features]
    return [known, [None] * len(features)]


def _read(feature: Feature, column: Iterable[object]) -> Float32Array:
    if feature.categorical:
        codes = {word: code for code, word in enumerate(_levels(feature))}
        return np.array([codes.get(str(word), np.nan) for word in column], np.float32)
    return np.array([_number(value) for value in column], np.float32)


def _levels(feature: Feature) -> tuple[str, ...]:
    return tuple(getattr(feature, "levels", ()))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float, np.number)) else np.nan
