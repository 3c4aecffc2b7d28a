"""The containers' files hold together: linters read them, and what they promise about safety is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"
TOOLS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, object]]:
    """The compose file's services, as a compose tool reads them."""
    command = [str(TOOLS / "podman-compose"), "--dry-run", "--file", str(DOCKER / "compose.yaml"), "config"]
    read = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(yaml.safe_load(read.stdout)["services"])


def test_hadolint_finds_nothing():
    found = subprocess.run(
        [TOOLS / "hadolint", DOCKER / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (found.returncode, found.stdout) == (0, "")


def test_every_service_that_is_waited_for_exists_and_says_when_it_is_healthy(services):
    waited_for = {name for service in services.values() for name in service.get("depends_on", {})}

    assert waited_for == {"database", "mlflow"}
    assert all("healthcheck" in services[name] for name in waited_for)


def test_ports_are_published_on_loopback_alone(services):
    published = [port for service in services.values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_secrets_come_from_a_file_that_git_ignores(services):
    files = {file for service in services.values() for file in service.get("env_file", [])}
    given = " ".join(key for service in services.values() for key in service.get("environment", {}))

    ignored = subprocess.run(
        ["git", "check-ignore", "--quiet", *(f"docker/{file}" for file in files)], cwd=ROOT, check=False
    )

    assert files == {"leadrank.env"}
    assert ignored.returncode == 0
    assert not re.search("PASSWORD|SECRET|TOKEN|KEY", given)


def test_every_volume_that_is_mounted_is_declared_and_kept(services):
    whole = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))

    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}

    assert mounted == set(whole["volumes"])


@pytest.mark.parametrize("target", ["serve", "train"])
def test_an_image_runs_without_privileges(target: str):
    stages = re.split(r"^FROM ", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)

    (stage,) = [text for text in stages if re.match(rf"\S+ AS {target}\n", text)]

    assert re.search(r"^USER \d{4,}$", stage, flags=re.MULTILINE)


def test_the_build_sees_only_what_it_copies():
    """What may enter the build grows with the Dockerfile, or the next build breaks."""
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    wanted = {name for line in copied for name in line.split()}

    assert {line.strip("!/") for line in allowed if line.startswith("!")} == wanted
