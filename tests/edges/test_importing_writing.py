"""What an import writes: YAML that every reader takes for the same, with its comments in their places."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from scheduler.importing.found import Found, ImportedJob, LeftOut, Plain, one_line
from scheduler.importing.names import job_name, unique
from scheduler.importing.writing import config_text, scalar
from tests.edges.importing import read_back, table_of

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def found(*jobs: ImportedJob, **more: object) -> Found:
    return Found("crontab test", {"timezone": "UTC", "defaults": {"timeout": "none"}}, jobs, **more)  # type: ignore[arg-type]


def test_a_file_has_its_comments_beside_what_they_are_about() -> None:
    job = ImportedJob(
        "line 3", "Backup DB", {"cron": "0 3 * * *", "shell": "echo 1\necho 2"}, ("3: 0 3 * * *",), ("a", "b")
    )
    text = config_text(
        found(job, left_out=(LeftOut("line 4", "why not"),), remarks=("About all.",), differs=("All too",)), "1.0"
    )

    assert (
        text
        == """\
# yaml-language-server: $schema=config.schema.json
# Imported from crontab test by leasebeat 1.0.
#
# About all.
#
# differs: All too
#
# left out: line 4 (why not)

timezone: UTC
defaults: {timeout: none}

jobs:
  backup-db:
    # 3: 0 3 * * *
    # differs: a
    # differs: b
    cron: "0 3 * * *"
    shell: |-
      echo 1
      echo 2
"""
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("Europe/Berlin", "Europe/Berlin", id="plain"),
        pytest.param("echo hello", "echo hello", id="words"),
        pytest.param("30s", '"30s"', id="a digit first"),
        pytest.param("yes", '"yes"', id="a truth value elsewhere"),
        pytest.param("a: b", '"a: b"', id="a colon and a blank"),
        pytest.param("a #b", '"a #b"', id="a comment"),
        pytest.param('say "it"', "'say \"it\"'", id="double quotes"),
        pytest.param('it\'s "so"', '"it\'s \\"so\\""', id="both quotes"),
        pytest.param("\u2028\x07é😀", '"\\u2028\\x07é😀"', id="what does not print"),
        pytest.param("", '""', id="nothing"),
    ],
)
def test_text_is_quoted_unless_it_can_be_nothing_else(text: str, written: str) -> None:
    assert scalar(text, alone=True) == written


@given(TEXT)
def test_text_comes_back_from_any_place(text: str) -> None:
    job = ImportedJob(
        "x", "x", {"every": "1m", "python": {"call": "a:b", "args": [text, [text]], "kwargs": {text: {text: 1}}}}
    )
    written = yaml.safe_load(config_text(found(job), "0"))["jobs"]["x"]["python"]

    assert (written["args"], written["kwargs"]) == ([text, [text]], {text: {text: 1}})


@given(st.lists(TEXT.filter(str.strip), min_size=1, max_size=4).map("\n".join))
@example("  a\n b")
@example("a\n ")
@example("a\nb\n\n")
def test_a_command_of_several_lines_comes_back(command: str) -> None:
    table = table_of(found(ImportedJob("x", "x", {"every": "1m", "shell": command}, ("source",), (command,))))

    assert table.jobs["x"].action.command == command  # type: ignore[union-attr]


@given(TEXT)
def test_no_foreign_text_gets_out_of_a_comment(text: str) -> None:
    job = ImportedJob(text, text, {"every": "1m", "shell": "true"}, (one_line(text),), (text,))
    loaded = read_back(found(job, left_out=(LeftOut(text, text),), remarks=(one_line(text),)))

    assert len(loaded.table.jobs) == 1


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_values_come_back_with_their_types(value: Plain) -> None:
    job = ImportedJob("x", "x", {"every": "1m", "python": {"call": "a:b", "args": [value]}})
    written = yaml.load(config_text(found(job), "0"), Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text

    assert written["jobs"]["x"]["python"]["args"][0] == as_words(value)


def as_words(value: Plain) -> object:
    """The value as a reader has it that resolves nothing: ours then reads plain words as JSON does."""
    match value:
        case dict():
            return {key: as_words(part) for key, part in value.items()}
        case list():
            return [as_words(part) for part in value]
        case str():
            return value
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


@pytest.mark.parametrize(
    ("wished", "name"),
    [
        pytest.param("Send Trial_Mails", "send-trial-mails", id="blanks and underscores"),
        pytest.param("--x--", "x", id="dashes at the ends"),
        pytest.param("日本", "job", id="nothing left"),
        pytest.param("a" * 60, "a" * 52, id="too long"),
        pytest.param("a" * 51 + "-b", "a" * 51, id="cut at a dash"),
    ],
)
def test_a_name_is_made_valid(wished: str, name: str) -> None:
    assert job_name(wished) == name


def test_later_jobs_of_one_name_are_numbered_and_rename_nobody() -> None:
    long = "b" * 52

    assert unique(["a", "A", "a-2", long, long]) == ["a", "a-2", "a-2-2", long, "b" * 50 + "-2"]


@given(st.lists(TEXT, max_size=12), TEXT)
def test_names_are_valid_unique_and_stay_when_entries_are_added(wished: list[str], more: str) -> None:
    names = unique(wished)

    assert len(set(names)) == len(names)
    assert unique([*wished, more])[: len(names)] == names
    assert all(job_name(name) == name for name in names)
