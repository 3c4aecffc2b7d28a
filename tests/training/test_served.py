"""The registered model as MLflow serves it: a real `mlflow models serve` says what the bundle says."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import numpy as np
import pytest
from mlflow.models import Model

from features import FeatureMatrix, Moments, compute
from features.statistics.attribute import Category
from training.bundle import Bundle
from training.served import answers, outputs, package
from training.tracking import Tracking

from .conftest import FLOOR

WAIT_S = 180
"""A cold start reads MLflow and LightGBM from disk; usually it takes a few seconds."""


@pytest.fixture(scope="module")
def bundle(first, tracking: Tracking, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return Bundle.load(Path(tracking.fetch("champion", tmp_path_factory.mktemp("champion"))))


@pytest.fixture(scope="module")
def folder(bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle as it lies in the registry."""
    made: Path = tmp_path_factory.mktemp("model")
    bundle.save(made)
    package(bundle, made)
    return made


@pytest.fixture(scope="module")
def served(first, tracking: Tracking) -> Iterator[str]:
    """The URL of `mlflow models serve` on the registered model."""
    url = f"http://127.0.0.1:{free_port()}"
    with running(*serve(tracking.uri, url), f"{url}/ping"):
        yield f"{url}/invocations"


def serve(registry: str, url: str) -> tuple[list[str], dict[str, str]]:
    """The command that serves a registry's first version at a URL, and what its environment needs."""
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/leadrank/1"]
    command += [
        "--env-manager",
        "local",
        "--host",
        "127.0.0.1",
        "--port",
        url.rpartition(":")[2],
        "--workers",
        "1",
    ]
    bin_first = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return command, {"MLFLOW_TRACKING_URI": registry, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": bin_first}


@contextmanager
def running(command: list[str], own: dict[str, str], ready: str) -> Iterator[None]:
    """A server as a process group of its own, from its first answer at `ready` on until it is ended."""
    process = subprocess.Popen(
        command,
        env=os.environ | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_for(ready, process)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until a server answers; its own words if it ends before."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    os.killpg(process.pid, signal.SIGTERM)
    pytest.fail(f"no answer from {url}: {process.communicate()[1].decode()[-2000:]}")


def matrix_of(bundle: Bundle, leads: Sequence[int]) -> FeatureMatrix:
    return compute(FLOOR.past, Moments.at_once(np.array(leads), FLOOR.until), bundle.features)


def record(bundle: Bundle, row: np.ndarray) -> dict[str, float | str | None]:
    """A row as a client sends it: words for categories, null for what is missing."""
    return {
        feature.name: None
        if math.isnan(value)
        else feature.levels[int(value)]
        if isinstance(feature, Category)
        else value
        for feature, value in zip(bundle.features, row.tolist(), strict=True)
    }


def ask(url: str, records: Sequence[dict[str, object]]) -> list[dict[str, float]]:
    said = httpx.post(url, json={"dataframe_records": list(records)}, timeout=60)
    assert said.status_code == httpx.codes.OK, said.text
    predictions: list[dict[str, float]] = said.json()["predictions"]
    return predictions


def test_the_served_model_says_of_leads_what_the_bundle_says(served, bundle):
    matrix = matrix_of(bundle, range(40))

    told = ask(served, [dict(record(bundle, row)) for row in matrix.values])

    expected = outputs(bundle.predict(matrix))
    assert {"answer", "conversion", "handle_s"} <= set(told[0]) == set(expected)
    for name, column in expected.items():
        assert [row[name] for row in told] == pytest.approx(column.tolist(), abs=1e-9)


def test_the_served_model_takes_what_is_missing_unknown_or_left_out_as_missing(served, bundle):
    channel = next(one for one in bundle.features if isinstance(one, Category) and one.name == "channel")
    rows: list[dict[str, object]] = [
        {"lead_attempts": None, "channel": None},
        {"lead_attempts": None, "channel": "pigeon post"},
        {"lead_attempts": None, "channel": channel.levels[1], "lead_shoe_size": 44},
    ]

    nothing, unheard_of, known = ask(served, rows)

    missing = np.full((1, len(bundle.features)), np.nan, np.float32)
    expected = outputs(bundle.predict(FeatureMatrix(bundle.features, missing)))
    assert nothing == unheard_of == pytest.approx({name: column[0] for name, column in expected.items()})
    assert known["answer"] != nothing["answer"]


def test_the_served_model_answers_its_own_example_and_refuses_words_for_numbers(served, folder):
    example = json.loads((folder / "serving_input_example.json").read_text(encoding="utf-8"))

    said = httpx.post(served, json=example, timeout=60)
    wrong = httpx.post(served, json={"dataframe_records": [{"lead_attempts": "many"}]}, timeout=60)

    assert len(said.json()["predictions"]) == len(example["dataframe_split"]["data"])
    assert wrong.status_code == httpx.codes.BAD_REQUEST


def test_the_model_is_text_and_code_without_any_pickle(folder, bundle):
    texts = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}

    assert {"MLmodel", "model.py", "bundle.json", "input_example.json"} <= set(texts)
    assert not any("pickle" in text for text in texts.values())


def test_the_models_signature_names_every_feature_and_every_head(folder, bundle):
    signature = Model.load(str(folder)).signature

    inputs = signature.inputs.input_dict()
    assert list(inputs) == [feature.name for feature in bundle.features]
    assert not any(column.required for column in inputs.values())
    assert {str(inputs[one.name].type) for one in bundle.features if one.categorical} == {"DataType.string"}
    assert set(signature.outputs.input_names()) == set(outputs(bundle.predict(matrix_of(bundle, [0]))))


def test_columns_in_any_order_give_the_same_answers(bundle):
    matrix = matrix_of(bundle, [3, 5])
    rows = [record(bundle, row) for row in matrix.values]
    columns = {name: [row[name] for row in rows] for name in reversed(rows[0])}

    told = answers(bundle, columns)

    for name, column in outputs(bundle.predict(matrix)).items():
        assert told[name].tolist() == column.tolist()
