"""A server of MLflow's on a store, and a browser at it."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.training.test_served import free_port, running

MODE = "workflowType=machine_learning"
"""Else MLflow opens as a tool for chat models."""
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 60_000
ALONE = """
localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');
localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');
"""
"""MLflow's assistant stays closed."""


@contextmanager
def room(uri: str) -> Iterator[str]:
    """The address of a server on that store."""
    port = str(free_port())
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", port, "--workers", "1"]
    own = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with running(command, own, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def browsed(site: str) -> Iterator[Page]:
    """A page of Chromium's at a site, in English."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.fail("Chromium is needed: `apt-get install chromium`; .ci/run does")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=SWITCHES)
        context = opened.new_context(base_url=site, viewport={"width": 1400, "height": 1000})
        context.add_init_script(ALONE)
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield context.new_page()
        opened.close()
