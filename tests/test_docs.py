"""The docs stay true: links lead somewhere, commands and settings exist, and no page knows one machine."""

import ast
import re
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
import typer

from leadrank import COMMANDS

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|farm|home/\w+|Users/\w+|tmp/\w+)/")
REGISTRY = re.compile(
    r"--(?:extra-)?index-url|--find-links|--trusted-host|py(?:pi\.org|thonhosted)", re.IGNORECASE
)
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)
COMMAND_LINE = re.compile(r"(?<![\w./-])(?:\.venv/bin/)?leadrank ([a-z]+(?: [^`\n]*)?)")
SETTING = re.compile(r"\bLEADRANK_[A-Z_]+\b")


def tracked() -> list[Path]:
    """Every text file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def called(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def slug(heading: str) -> str:
    """A heading's anchor, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(line.lstrip("#")) for line in text(page).splitlines() if line.startswith("#")}


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


PAGES = [path for path in tracked() if path.suffix == ".md"]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
MAKEFILE = text(ROOT / "Makefile")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=called)
def test_links_lead_somewhere(page: Path):
    links = [link for link in LINK.findall(text(page)) if "://" not in link]

    for link in links:
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_nothing_in_the_repository_knows_one_machine():
    found = [
        f"{called(path)}:{number}: {line.strip()[:100]}"
        for path in tracked()
        for number, line in enumerate(text(path).splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]

    assert not found, "\n".join(found)


def test_no_file_names_where_packages_come_from():
    found = [called(path) for path in tracked() if REGISTRY.search(text(path)) and path != Path(__file__)]

    assert not found


@pytest.mark.parametrize("name", ["serve", "train", "dev"])
def test_every_pin_has_a_version_and_a_hash(name: str):
    pins = re.split(r"\n(?=\S)", text(ROOT / "requirements" / f"{name}.txt").strip())

    loose = [
        pin.splitlines()[0]
        for pin in pins
        if not re.match(r"[\w.\[\]-]+==\S+.*--hash=sha256:", pin, re.DOTALL)
    ]

    assert not loose


@pytest.mark.parametrize(("smaller", "larger"), [("serve", "train"), ("train", "dev")])
def test_the_pins_of_the_images_are_the_ones_that_are_tested(smaller: str, larger: str):
    def pins(name: str) -> set[str]:
        return set(
            re.findall(r"^[\w.\[\]-]+==[^\s;]+", text(ROOT / "requirements" / f"{name}.txt"), re.MULTILINE)
        )

    assert pins(smaller) <= pins(larger)


@pytest.mark.parametrize("page", PAGES, ids=called)
def test_the_make_targets_a_page_names_exist(page: Path):
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text(page), re.MULTILINE))

    assert named <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=called)
def test_the_commands_a_page_names_exist_with_their_options(page: Path):
    lines = [line for code in CODE.findall(text(page)) for line in COMMAND_LINE.findall(code)]

    for line in lines:
        words = line.split("#")[0].split(")")[0].split()
        options = {word for word in words if re.fullmatch("--[a-z-]+", word)} - {"--help"}
        assert words[0] in COMMANDS, line
        known = set[str]().union(*(_options(room, words) for room in COMMANDS[words[0]][0]))
        assert options <= known, line


def _options(room: str, words: list[str]) -> set[str]:
    """The options of the command that a line begins with; after a group comes one of its commands."""
    command = typer.main.get_command(import_module(room).app)
    for word in words:
        if not isinstance(command, typer.core.TyperGroup) or not word.replace("-", "").isalpha():
            break
        assert word in command.commands, f"{words} in {room}"
        command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts}


def test_the_index_lists_every_page_and_decision_by_its_title():
    index = text(ROOT / "docs" / "index.md")
    pages = [page for page in (ROOT / "docs").glob("*.md") if page.name != "index.md"]

    assert [page.name for page in pages if f"]({page.name})" not in index] == []
    for page in DECISIONS:
        number, _, title = text(page).splitlines()[0].removeprefix("# ").partition(" ")
        assert f"- [{number}](decisions/{page.name}) {title}\n" in index, page.name


def test_the_files_that_the_architecture_names_exist():
    named = re.findall(
        r"`((?:features|training|serving|tests)/[\w/.]*|\w+\.py)`", text(ROOT / "docs" / "architecture.md")
    )

    gone = [name for name in named if "/" in name and not (ROOT / name).exists()]

    assert len(named) > 20
    assert not gone


def test_every_target_explains_itself():
    phony = next(line for line in MAKEFILE.splitlines() if line.startswith(".PHONY:"))

    assert set(phony.removeprefix(".PHONY:").split()) == TARGETS


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem[:4])
def test_a_decision_says_why_what_and_what_follows_and_is_listed(page: Path):
    headings = re.findall(r"^## (\w+)", text(page), re.MULTILINE)

    assert headings[:3] == ["Context", "Decision", "Consequence"]
    assert text(page).startswith(f"# {page.name[:4]} ")
    assert f"decisions/{page.name}" in text(ROOT / "docs" / "index.md")


def test_decisions_have_numbers_of_their_own():
    numbers = [page.name[:4] for page in DECISIONS]

    assert len(set(numbers)) == len(numbers)


def test_every_setting_that_the_code_reads_is_documented():
    code = [path for room in ("features", "training", "serving") for path in (ROOT / room).rglob("*.py")]
    read = {name for path in code for name in _settings_of(path)}

    documented = set(SETTING.findall(text(ROOT / "docs" / "operations.md")))

    assert read <= documented, read - documented


def _settings_of(path: Path) -> set[str]:
    """The settings a `settings.py` reads: fields behind the prefix; elsewhere names in strings."""
    tree = ast.parse(text(path))
    fields = (
        f"LEADRANK_{line.target.id.upper()}"
        for node in ast.walk(tree)
        if path.name == "settings.py" and isinstance(node, ast.ClassDef)
        for line in node.body
        if isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and line.target.id != "model_config"
    )
    strings = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {*fields, *(name for string in strings for name in SETTING.findall(string))}
