"""How the file itself is read: what is no text, what is no YAML of ours, and what plain words stand for."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scheduler.config.document import Source, content
from scheduler.config.report import problems_text
from scheduler.config.text.composing import Composer
from scheduler.config.text.files import read_source
from scheduler.config.text.reading import read_document
from scheduler.core.errors import ConfigError
from tests.edges.config_text import cases, told

JOBS = "jobs: {hello: {every: 1m, shell: date}}\n"


def said_of(file: Path) -> str:
    """What is said about a file of these bytes."""
    with pytest.raises(ConfigError) as refused:
        read_document(read_source(file))
    return problems_text(refused.value.problems).replace(f"{file.parent}/", "")


def value_of(written: str) -> object:
    """What a value stands for."""
    told: Any = content(read_document(Source("config.yaml", f"key: {written}\n")).root)
    return told["key"]


NOT_A_FILE = {
    "a NUL": (b"jobs: \0\n", "config.yaml:1:7: character U+0000 is not text [binary]"),
    "an escape": (b"jobs: 1\n# \x1b[2J\n", "config.yaml:2:3: character U+001B is not text [binary]"),
    "a byte of Latin-1": ("jobs:\n  é: ä\n".encode("latin-1"), "config.yaml:2:3: byte 0xe9 is not UTF-8 [encoding]"),
    "a byte of Latin-1 behind a mark": (
        "\ufeffä\n ".encode() + b"\xe4\n",
        "config.yaml:2:2: byte 0xe4 is not UTF-8 [encoding]",
    ),
    **{
        name: ("jobs: {a: 1}\n".encode(name), f"config.yaml: the file is {name}, expected UTF-8 [encoding]")
        for name in ("UTF-16", "UTF-32", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")
    },
    "UTF-16, other end first": (b"\xfe\xff\0j\0o", "config.yaml: the file is UTF-16, expected UTF-8 [encoding]"),
    "nothing": (b"", "config.yaml: the file is empty [empty]"),
    "comments only": (b"# jobs:\n\n", "config.yaml: the file is empty [empty]"),
    "a null": (b"---\n", "config.yaml: the file is empty [empty]"),
    "a list": (b"- a\n- b\n", "config.yaml:1:1: expected a map of settings and jobs, got a list [type]"),
    "a word": (b"# hm\njobs\n", "config.yaml:2:1: expected a map of settings and jobs, got jobs [type]"),
    "more than 1 MiB": (b"#" * (1 << 20) + b"\n", "config.yaml: larger than 1 MiB [too-large]"),
}


@pytest.mark.parametrize(
    ("raw", "sentence"), [pytest.param(raw, sentence, id=name) for name, (raw, sentence) in NOT_A_FILE.items()]
)
def test_a_file_that_is_no_job_table(tmp_path: Path, raw: bytes, sentence: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(raw)
    first, *_, last = said_of(file).splitlines()

    assert (first, last) == (sentence, "1 error in config.yaml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert said_of(tmp_path / "config.yaml") == (
        "config.yaml: no such file [no-file]\n  name it with --config FILE or LEASEBEAT_CONFIG\n1 error in config.yaml"
    )


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").mkdir()

    assert said_of(tmp_path / "config.yaml").splitlines()[0] == (
        "config.yaml: expected a file, got a directory [directory]"
    )


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)


NO_REGULAR_FILE = {
    "a pipe that nobody writes to": (os.mkfifo, "expected a file, got a pipe [no-regular-file]"),
    "an endless device": (lambda path: path.symlink_to("/dev/zero"), "expected a file, got a device [no-regular-file]"),
    "an empty device": (lambda path: path.symlink_to("/dev/null"), "expected a file, got a device [no-regular-file]"),
    "a socket": (make_socket, "cannot be read: No such device or address [unreadable]"),
    "a link to itself": (lambda path: path.symlink_to(path), "cannot be read: Too many levels"),
    "a link to nowhere": (lambda path: path.symlink_to("nowhere"), "no such file [no-file]"),
}


@pytest.mark.timeout(10)
@pytest.mark.parametrize(("make", "sentence"), [pytest.param(*row, id=name) for name, row in NO_REGULAR_FILE.items()])
def test_what_is_no_regular_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    make(tmp_path / "config.yaml")

    assert said_of(tmp_path / "config.yaml").splitlines()[0].startswith(f"config.yaml: {sentence}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch(0o000)

    assert said_of(tmp_path / "config.yaml").splitlines()[0] == (
        "config.yaml: cannot be read: Permission denied [unreadable]"
    )


def test_a_file_of_which_only_the_beginning_is_looked_at(tmp_path: Path) -> None:
    with (tmp_path / "config.yaml").open("wb") as file:
        file.truncate(50 << 30)  # sparse: it takes no room

    assert said_of(tmp_path / "config.yaml").splitlines()[0] == "config.yaml: larger than 1 MiB [too-large]"


def test_a_name_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "table").write_text(JOBS)

    assert said_of(tmp_path / "table" / "config.yaml").splitlines()[0] == (
        "config.yaml: cannot be read: Not a directory [unreadable]"
    )


def test_a_name_that_no_file_can_have() -> None:
    assert said_of(Path("a\0b")).splitlines()[0].endswith("cannot be read: embedded null byte [unreadable]")


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    text = "\ufeffjobs:\r\n  hello:\r\n    every: 1m\r\n    shell: date\r\n    retries: x\r\n"

    assert told(tmp_path, text).splitlines()[0] == (
        "config.yaml:5:14: jobs.hello.retries: expected a whole number, got x [type]"
    )


YAML = """\
== an alias
b: «*x»
>> b: aliases are not read here [yaml-alias]
>> what jobs share goes under defaults, text into quotes: "*x"

== an anchor
a: «&x» {b: 1}
>> a: anchors are not read here [yaml-anchor]
>> what jobs share goes under defaults

== a merge key
a: {b: 1}
c: {«<<»: {b: 1}}
>> c: merge keys are not read here [yaml-merge]
>> what jobs share goes under defaults

== a tag
a: «!!python/object:os.system» {}
>> a: tags are not read here [yaml-tag]
>> text is quoted, numbers are plain

== a key used twice
a: {b: 1, c: 2, «b»: {d: *nowhere}}
>> a: key "b" used twice, first on line 1 [duplicate-key]
>> YAML would keep only the last; remove one

== a list for a key
a: {? «[»1, 2] : 3}
>> a: expected text as a key [key]

== a NUL behind an escape
a: «"x\\0"»
>> a: expected text without NUL and half characters [binary]

== two documents
a: 1
«-»--
b: 2
>> expected one document, a second starts here [yaml]
>> remove the ---

== a quote that is never closed
a: 1
b: «"»2
>> this quote is never closed [yaml]

== a brace that is never closed
a: «{»b: 1
>> this { is never closed [yaml]

== a bracket that is never closed
a: «[»b, c
>> this [ is never closed [yaml]

== two colons
a: b«:» c
>> a ":" too many on this line [yaml]
>> text with ": " in it is quoted; each key has its line

== a line between two indentations
a:
  b: 1
 «c»: 2
>> the indentation fits no line above [yaml]
>> keys of one map start in one column

== a list that begins on the line of its key
a: «-» b
>> a list cannot start here [yaml]
>> each - needs its own line

== a glob without quotes
a: «*».csv
>> text that starts with * or & is quoted [yaml]
>> write a: '*.csv'

== a backtick
a: «`»date`
>> text that starts with this character is quoted [yaml]
>> write a: '`date`'

== a backslash in double quotes
a: "C:«\\»work"
>> unknown escape [yaml]
>> a backslash in double quotes is \\\\; in single quotes it is plain

== a tab behind spaces
a:
  «⇥»b: 1
>> tab used for indentation [yaml]
>> use spaces
"""


@pytest.mark.parametrize(("text", "said"), cases(YAML))
def test_what_yaml_knows_and_a_job_table_does_not(tmp_path: Path, text: str, said: str) -> None:
    """Only what reading says: what the keys would be is not asked."""
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        problems = read_document(read_source(file)).problems
    except ConfigError as error:
        problems = error.problems

    assert problems_text(problems).replace(f"{tmp_path}/", "") == said


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_ends_before_anything_suffers(opening: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_document(Source("config.yaml", "a:\n " + opening * 100_000))

    assert refused.value.problems[0].message == "maps and lists are nested more than 50 deep"


def test_reading_ends_where_nobody_reads_on() -> None:
    with pytest.raises(ConfigError) as refused:
        read_document(Source("config.yaml", "a: [" + "*b, " * 100_000 + "]"))

    assert len(refused.value.problems) == 1000


def test_a_shell_script_may_speak_of_cron(tmp_path: Path) -> None:
    """Mending an unquoted cron leaves all else alone, even what looks like it."""
    text = """\
jobs:
  a:
    cron: @daily
    shell: |
      cron: * * *
"""

    assert told(tmp_path, text) == (
        "config.yaml:3:11: jobs.a.cron: must be quoted, YAML reserves a leading @ [cron-unquoted]\n"
        "3 |     cron: @daily\n"
        '  |           ^^^^^^ write: cron: "@daily"\n'
        "1 error in config.yaml"
    )


def test_what_was_found_before_broken_syntax_is_told_too(tmp_path: Path) -> None:
    text = "jobs:\n  a:\n    cron: * * * * *\n    cron: 1\n    shell: 'ls\n"
    codes = [line.split("[")[1].split("]")[0] for line in told(tmp_path, text).splitlines() if line.startswith("conf")]

    assert codes == ["cron-unquoted", "duplicate-key", "yaml"]


AS_WRITTEN = {
    "yes": "yes", "no": "no", "on": "on", "True": "True", "~": "~", "Null": "Null",
    "010": "010", "0x1F": "0x1F", "0o17": "0o17", "1_000": "1_000", "+1": "+1", ".5": ".5", "1.": "1.",
    "1:30": "1:30", "2026-12-01": "2026-12-01", "2026-12-01T02:00:00Z": "2026-12-01T02:00:00Z",
    ".inf": ".inf", ".nan": ".nan",
    "true": True, "false": False, "null": None, "": None,
    "0": 0, "-7": -7, "15": 15, "1.50": 1.5, "-0.0": -0.0, "2e3": 2000.0,
    '"5"': "5", "'true'": "true", '""': "", "a b": "a b",
    "12345678901234567890123": 12345678901234567890123,
}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [pytest.param(*pair, id=pair[0] or "nothing") for pair in AS_WRITTEN.items()],
)
def test_a_scalar_is_what_json_would_read_or_text(written: str, meant: object) -> None:
    assert repr(value_of(written)) == repr(meant)


@pytest.mark.parametrize("text", ['"a"', "[1, -2.5e3, true, null]", '{"a": {"b": ["\\u00e9"]}}', '"line\\nline"'])
def test_json_is_read_as_json(text: str) -> None:
    assert value_of(text) == json.loads(text)


def test_offsets_are_those_of_the_file_beyond_ascii_and_windows_lines() -> None:
    source = Source("config.yaml", "ä: ö\r\n'😀': 東京 #\r\nb: [€, x]\r\n")
    document = Composer(source).document()

    assert [source.text[node.start : node.end] for _, node in document.root.entries.values()] == ["ö", "東京", "[€, x]"]
    assert [source.line_of(node.start) for _, node in document.root.entries.values()] == [1, 2, 3]
