"""What a person reads about the mistakes in config.yaml that the documentation shows, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduler.cli.main import main
from tests.edges.config_text import blocks, told

HERE = Path(__file__).parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands find config.yaml, and beside it a module."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "examples.py").write_text("def meter(): ...\ndef report(region='eu'): ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPS_WEBHOOK", raising=False)
    return tmp_path


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(("text", "said"), blocks(HERE / "messages_documented.txt"))
def test_the_documented_message_of_each_mistake(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, said: str, command: str
) -> None:
    (folder / "config.yaml").write_text(text)
    with pytest.raises(SystemExit) as ended:
        main([command])

    assert capsys.readouterr() == ("", f"{said}\n1 error in config.yaml\n")
    assert ended.value.code == 1


@pytest.mark.parametrize(("text", "said"), blocks(HERE / "messages_for_people.txt"))
def test_what_people_do_is_answered_with_what_to_do(folder: Path, text: str, said: str) -> None:
    """Files as tired people write them, or bring them along from elsewhere."""
    assert told(folder, text) == said


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
job: {}
timezone: Europe/Berln
jobs:
  backup:
    cron: */5 * * *
    overlaps: skip
  poll:
    every: 1:30
    shell: ls
"""

    assert (
        told(tmp_path, text)
        == """\
config.yaml:1:1: unknown key "job" [unknown-key]
1 | job: {}
  | ^^^ did you mean "jobs"?
config.yaml:2:11: timezone: unknown time zone Europe/Berln [timezone]
2 | timezone: Europe/Berln
  |           ^^^^^^^^^^^^ did you mean Europe/Berlin? IANA names, no offsets
config.yaml:4:3: jobs.backup: nothing to run [one-action]
4 |   backup:
  |   ^^^^^^ add exactly one of python, shell, http, kubernetes_job, celery
config.yaml:5:11: jobs.backup.cron: must be quoted, YAML reads a leading * as an alias [cron-unquoted]
5 |     cron: */5 * * *
  |           ^^^^^^^^^ write: cron: "*/5 * * *"
config.yaml:5:11: jobs.backup.cron: expected 5 fields, or 6 with seconds first, got 4 [cron-fields]
5 |     cron: */5 * * *
  |           ^^^^^^^^^ minute hour day month weekday: "*/5 * * * *"
config.yaml:6:5: jobs.backup: unknown key "overlaps" [unknown-key]
6 |     overlaps: skip
  |     ^^^^^^^^ did you mean "overlap"?
config.yaml:8:12: jobs.poll.every: expected a duration such as 90s, got 1:30 [duration]
8 |     every: 1:30
  |            ^^^^ YAML reads this as 90; write 90s, 1m30s or 1h30m
7 errors in config.yaml"""
    )


def test_a_sound_file_is_passed_in_silence(tmp_path: Path) -> None:
    assert told(tmp_path, "jobs: {hello: {every: 1m, shell: date}}\n") == ""


def test_of_very_many_mistakes_the_first_in_the_file_are_told(tmp_path: Path) -> None:
    jobs = "".join(f"  job-{number}: {{every: 300, shel: ls}}\n" for number in range(2000))
    lines = told(tmp_path, f"timezon: UTC\njobs:\n{jobs}").splitlines()

    assert [line for line in lines if line.startswith("config.yaml")][:4] == [
        'config.yaml:1:1: unknown key "timezon" [unknown-key]',
        "config.yaml:3:18: jobs.job-0.every: expected a duration, got 300 [duration]",
        'config.yaml:3:23: jobs.job-0: unknown key "shel" [unknown-key]',
        "config.yaml:4:18: jobs.job-1.every: expected a duration, got 300 [duration]",
    ]
    assert lines[2] == '  | ^^^^^^^ did you mean "timezone"?'
    assert lines[-1] == "over 500 errors in config.yaml, the first 50 shown"
