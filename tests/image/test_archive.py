"""What the image's layers and config hold, and what they must not."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from scheduler import __version__
from tests.image.archive import Archive

LIMIT_BYTES = 45_000_000
SITE_PACKAGES = re.compile(r"opt/leasebeat/lib/python3\.\d+/site-packages/")
BUILD_TOOLS = ("pip", "setuptools", "wheel", "hatchling", "gcc", "cc", "make", "git", "curl")
SETTINGS = ("pip.conf", ".pip", ".netrc", ".pypirc", "uv.toml", "poetry.toml", ".npmrc", ".docker")
INDEX = re.compile(r"index[-_]?url|find[-_]links|trusted[-_]host|PIP_CONFIG|PIP_CERT|UV_|_PROXY|://", re.IGNORECASE)
SECRET = re.compile(r"passw|secret|token|credential|api_?key", re.IGNORECASE)
UNCHECKED_HASH = 1
PREFIX = "org.opencontainers.image."


def test_it_runs_as_a_numbered_user_that_is_not_root(archive: Archive) -> None:
    assert archive.config["User"] == "65532:65532"


def test_tini_starts_a_replica_and_signals_it_alone(archive: Archive) -> None:
    assert archive.config["Entrypoint"] == ["tini", "--", "leasebeat"]
    assert archive.config["Cmd"] == ["run"]


def test_its_labels_say_what_it_is(archive: Archive) -> None:
    labels = {name.removeprefix(PREFIX): value for name, value in archive.config["Labels"].items()}

    assert labels["title"] == "leasebeat"
    assert labels["version"] == __version__
    assert labels["licenses"] == "Apache-2.0"
    assert labels["revision"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", labels["created"])


def test_what_it_adds_to_its_base_is_small(archive: Archive) -> None:
    assert 0 < archive.compressed_size() <= LIMIT_BYTES


def test_it_holds_the_program_and_the_examples_and_nothing_else_of_the_repository(archive: Archive) -> None:
    at_app = {name for name in archive.files if name.startswith("app/")}
    packages = {SITE_PACKAGES.sub("", name).split("/")[0] for name in archive.files if SITE_PACKAGES.match(name)}

    assert {name.rstrip("/") for name in at_app} - {"app"} == {
        "app/jobs",
        "app/jobs/__init__.py",
        "app/jobs/examples.py",
    }
    assert {"scheduler", "kubernetes", "tzdata"} <= packages
    assert not {"tests", "jobs", "bench", "docs", "requirements"} & packages


@pytest.mark.parametrize("tool", BUILD_TOOLS)
def test_our_layers_hold_no_build_tool(archive: Archive, tool: str) -> None:
    programs = {name for name in archive.files if name.endswith(f"bin/{tool}")}
    packages = {name for name in archive.files if re.fullmatch(rf"{SITE_PACKAGES.pattern}{tool}(-[^/]+)?/?", name)}

    assert programs | packages == set()


def test_our_layers_hold_no_settings_of_a_package_index_and_no_caches(archive: Archive) -> None:
    parts = {part for name in archive.files for part in PurePosixPath(name).parts}
    kept = {name for name, member in archive.files.items() if member.isfile()}
    rubbish = ("root/", "build/", "tmp/", "var/log/", "var/lib/apt/lists/", "var/cache/apt/")

    assert parts & set(SETTINGS) == set()
    assert {name for name in kept if name.startswith(rubbish) and "/.wh." not in name} == set()


def test_neither_history_nor_environment_names_a_package_index_or_a_secret(archive: Archive) -> None:
    told = [*archive.own_steps, *(f"{name}={value}" for name, value in archive.environment.items())]
    base = {"GPG_KEY", "PYTHON_SHA256"}  # the official base image's own, and public

    assert [text for text in told if INDEX.search(text)] == []
    assert [name for name in archive.environment if SECRET.search(name) and name not in base] == []


def test_all_bytecode_is_there_and_is_never_compared_with_its_source(archive: Archive) -> None:
    sources = {name for name in archive.files if SITE_PACKAGES.match(name) and name.endswith(".py")}
    flags = {name: int.from_bytes(head[4:8], "little") for name, head in archive.heads(".pyc", 8).items()}
    compiled = {re.sub(r"__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"\1.py", name) for name in flags}

    assert sources
    assert sources - compiled == set()
    assert set(flags.values()) == {UNCHECKED_HASH}


def test_the_user_can_read_what_it_runs_and_change_none_of_it(archive: Archive) -> None:
    ours = {name: member for name, member in archive.files.items() if name.startswith(("opt/", "app/"))}
    changeable = [name for name, one in ours.items() if one.uid != 0 or (one.mode & 0o022 and not one.issym())]
    unreadable = [name for name, one in ours.items() if not one.mode & 0o004 or (one.isdir() and not one.mode & 0o001)]

    assert changeable == []
    assert unreadable == []
