"""Crontabs become jobs that tick when cron would, and run what cron would."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from scheduler.config.report import problems_text
from scheduler.core.actions import ShellAction
from scheduler.core.schedule import CronSchedule
from scheduler.core.timing.localtimes import CronFields
from scheduler.core.timing.zones import zone
from scheduler.importing.crontab import Crontab, from_crontabs
from scheduler.importing.crontab_lines import entries, has_users
from scheduler.importing.found import Found
from scheduler.importing.programs import program
from tests.edges.importing import as_yaml, table_of

CORPUS = [
    line
    for line in (Path(__file__).with_name("crontab_corpus.txt")).read_text().splitlines()
    if not line.startswith("# ")
]
ZONE = "Europe/Berlin"
WINTER, SUMMER = datetime(2026, 10, 23, tzinfo=UTC), datetime(2027, 3, 26, tzinfo=UTC)


def imported(text: str, *, users: bool = False) -> Found:
    return from_crontabs([Crontab("crontab", text, users)], ZONE)


def only(text: str, *, users: bool = False) -> dict[str, object]:
    (job,) = as_yaml(imported(text, users=users)).values()
    return job


def test_a_crontab_becomes_a_table() -> None:
    found = imported("# nightly\n15 3 * * *  /usr/local/bin/backup.sh --all\n@hourly sync-mail\n")

    assert as_yaml(found) == {
        "backup": {"cron": "15 3 * * *", "shell": "/usr/local/bin/backup.sh --all"},
        "sync-mail": {"cron": "@hourly", "shell": "sync-mail"},
    }
    assert found.jobs[0].source == ("nightly", "crontab:2: 15 3 * * *  /usr/local/bin/backup.sh --all")
    assert (found.table["timezone"], found.table["defaults"]) == (ZONE, {"overlap": "allow", "timeout": "none"})


@pytest.mark.parametrize("line", CORPUS)
@pytest.mark.parametrize("start", [WINTER, SUMMER], ids=["to winter", "to summer"])
def test_a_line_from_life_ticks_as_cron_runs_it(line: str, start: datetime) -> None:
    table = table_of(imported(line))
    (job,) = table.jobs.values()
    assert isinstance(job.schedule, CronSchedule)
    times = " ".join(line.split()[:5]) if not line.startswith("@") else job.schedule.expression

    assert imported(line).left_out == ()
    assert list(islice(walk(job.schedule, start), 100)) == list(islice(crons_own(times, start), 100))


def walk(schedule: CronSchedule, start: datetime) -> Sequence[datetime]:
    ticks, tick = [], schedule.after(start)
    while tick and len(ticks) < 100:
        ticks.append(tick)
        tick = schedule.after(tick)
    return ticks


MACROS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
          "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *"}  # fmt: skip


def crons_own(times: str, start: datetime) -> Sequence[datetime]:
    """The same by cronsim itself, which is modelled on Debian's cron: the author's words, not ours."""
    sim = CronSim(
        MACROS.get(times, times.replace("*/60", "0").replace("*/90", "0").replace("*/24", "0")),
        start.astimezone(zone(ZONE)),
    )
    found: list[datetime] = []
    for tick in islice(sim, 150):
        instant = tick.astimezone(UTC)
        if not found or instant > found[-1]:
            found.append(instant)
    return found[:100]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        pytest.param("/usr/local/bin/backup.sh --all", "backup", id="a path and a suffix"),
        pytest.param("cd /srv && nice -n 10 ./sync --fast", "sync", id="what stands before it"),
        pytest.param("cd / && run-parts --report /etc/cron.daily", "cron.daily", id="run-parts"),
        pytest.param("test -x /usr/sbin/anacron || { cd / && run-parts /etc/x; }", "x", id="a test before"),
        pytest.param("php artisan schedule:run", "schedule:run", id="an interpreter and a runner"),
        pytest.param("python3 -m jobs.report", "jobs.report", id="a module"),
        pytest.param("FOO=1 /bin/x", "x", id="a variable before"),
        pytest.param("flock -n /var/lock/x.lck /bin/borg create", "borg", id="a lock"),
        pytest.param("cd /tmp", "", id="nothing that has a name"),
    ],
)
def test_a_job_is_called_after_its_program(line: str, name: str) -> None:
    assert program(line) == name


# Two entries of a real crontab, run by the cron of Debian 12, gave the output that is expected here.
@pytest.mark.parametrize(
    ("line", "output"),
    [
        pytest.param(r"""echo a\%b 'c\%d' 'e\\\\f' "g\\h" """, "a%b c%d e\\f g\\h\n", id="escapes"),
        pytest.param(r"cat %line 1%%line 3 \% end", "line 1\n\nline 3 % end\n", id="input"),
        pytest.param("cat %", "", id="no input"),
        pytest.param("cat %  a%%", "  a\n\n", id="blanks of the input"),
        pytest.param("true | cat %END%a", "", id="the pipe goes before the input"),
        pytest.param("cat %END%END2", "END\nEND2\n", id="input that looks like its own end"),
        pytest.param("cat %$HOME `x`", "$HOME `x`\n", id="input is taken as it is"),
    ],
)
def test_percent_signs_mean_what_they_mean_to_debians_cron(line: str, output: str, tmp_path: Path) -> None:
    assert ran(f"* * * * * {line}", tmp_path) == output


def ran(crontab: str, folder: Path) -> str:
    (job,) = table_of(imported(crontab)).jobs.values()
    action = job.action
    assert isinstance(action, ShellAction)
    argv = ["sh", "-c", action.command] if isinstance(action.command, str) else list(action.command)
    env = {"PATH": "/usr/bin:/bin", **{name: str(value) for name, value in action.env.items()}}
    ended = subprocess.run(
        argv, env=env, cwd=action.cwd or folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    return ended.stdout


def test_variables_hold_for_the_entries_below_them(tmp_path: Path) -> None:
    above = f"0 1 * * * one\nA = hello   world  \nB='two'\nC=${{HOME}}/x # c\nHOME={tmp_path}\n0 2 * * * two\n"
    jobs = as_yaml(imported(above))

    assert jobs["one"] == {"cron": "0 1 * * *", "shell": "one"}
    assert jobs["two"]["shell"] == {
        "run": "export C='${HOME}/x # c'\ntwo",
        "cwd": str(tmp_path),
        "env": {"A": "hello   world", "B": "two", "HOME": str(tmp_path)},
    }
    printed = ran(above.replace("0 1 * * * one\n", "").replace("two\n", 'echo "$A|$C|$PWD"\n'), tmp_path)
    assert printed == f"hello   world|${{HOME}}/x # c|{tmp_path}\n"


def test_an_entry_does_not_see_what_is_set_below_it() -> None:
    first, second = entries("crontab", "* * * * * x\nA=1\n* * * * * y", with_user=False)

    assert (first.variables, second.variables) == ({}, {"A": "1"})


def test_another_shell_runs_the_command(tmp_path: Path) -> None:
    crontab = "SHELL=/bin/bash\nX=$$\n* * * * * [[ $X == '$$' ]] && echo {a,b}"

    assert only(crontab)["shell"] == ["/bin/bash", "-c", "export X='$$'\n[[ $X == '$$' ]] && echo {a,b}"]
    assert ran(crontab, tmp_path) == "a b\n"


def test_a_folder_that_looks_like_a_reference_is_entered_by_the_shell() -> None:
    assert only("HOME=/srv/${X}\n* * * * * ls")["shell"] == "export HOME='/srv/${X}'\ncd '/srv/${X}' || exit\nls"


def test_cronie_states_the_zone_of_a_schedule() -> None:
    found = imported("CRON_TZ=America/New_York\n0 9 * * 1-5 open-shop\n")

    assert as_yaml(found)["open-shop"]["timezone"] == "America/New_York"


@pytest.mark.parametrize(
    ("line", "cron"),
    [
        pytest.param("*/60 * * * * x", "0 * * * *", id="a step beyond the hour"),
        pytest.param("0 8-10/5 * * * x", "0 8 * * *", id="a step beyond the range"),
        pytest.param("0~59 4 * * * x", "H(0-59) 4 * * *", id="a random minute of cronie"),
        pytest.param("~ ~ * * * x", "H H * * *", id="any minute and hour"),
        pytest.param("-*/5 * * * * x", "*/5 * * * *", id="not to be logged, says cronie"),
        pytest.param("@every_minute x", "* * * * *", id="a macro of FreeBSD"),
    ],
)
def test_what_cron_takes_and_we_do_not_is_written_anew_and_said(line: str, cron: str) -> None:
    found = imported(line)

    assert as_yaml(found)["x"]["cron"] == cron
    assert len(found.jobs[0].differs) == 1


@pytest.mark.parametrize(
    ("text", "difference"),
    [
        pytest.param("MAILTO=ops@example.com\n* * * * * x", "MAILTO=ops@example.com: nothing is mailed", id="mail"),
        pytest.param("RANDOM_DELAY=30\n* * * * * x", "RANDOM_DELAY=30", id="delay"),
        pytest.param("TZ=Asia/Tokyo\n* * * * * x", "TZ=Asia/Tokyo is for the command alone", id="TZ"),
        pytest.param("* * * * * x%y", "here-document", id="input"),
        pytest.param("0 3 * * MON#1 x", "Debian's cron ignores #1 and runs on every such weekday", id="n-th weekday"),
    ],
)
def test_differences_are_said(text: str, difference: str) -> None:
    (job,) = imported(text).jobs

    assert difference in job.differs[0]


def test_mail_to_nobody_is_no_difference() -> None:
    assert imported('MAILTO=""\n* * * * * x').jobs[0].differs == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("@reboot x", "@reboot is not a time: replicas restart whenever they like", id="@reboot"),
        pytest.param("0 0 31 2 * x", "never fires, February has no day 31", id="never"),
        pytest.param("0 0 */31 * 1 x", "a day must match */31 and 1, which only a * can say", id="a star that goes"),
        pytest.param("*/5 2 * 3 0L x", "never fires, the clocks in Europe/Berlin skip", id="always skipped"),
        pytest.param("CRON_TZ=Mars/Base\n* * * * * x", "unknown time zone CRON_TZ=Mars/Base", id="zone"),
        pytest.param(
            "SHELL=/usr/bin/fish\n* * * * * x%y", "the input or the variables of a command", id="no here-document"
        ),
    ],
)
def test_what_has_no_counterpart_is_left_out_with_its_reason(line: str, reason: str) -> None:
    found = imported(line)
    (entry,) = found.left_out

    assert (found.jobs, entry.problem) == ((), None)
    assert entry.reason.startswith(reason)


MISTAKES = """\
crontab:2:5: expected hour 0-23, got 25 [cron-range]
2 | */5 25 * * *  echo bad
  |     ^^
crontab:3:5: hour range 22-2 runs backwards; Debian cron would never fire [cron-range]
3 | 0   22-2 * * * x
  |     ^^^^ write 22-23,0-2
crontab:4:1: expected five fields and a command [cron-fields]
4 | hello
  | ^^^^^ minute hour day month weekday, then the command
crontab:5:1: expected a command after the schedule [crontab]
5 | 0 0 * * *
  | ^^^^^^^^^
4 errors in crontab"""


def test_a_wrong_line_is_shown_where_it_is() -> None:
    found = imported("0 1 * * * fine\n*/5 25 * * *  echo bad\n0   22-2 * * * x\nhello\n0 0 * * *\n")

    assert [job.name for job in found.jobs] == ["fine"]
    assert problems_text([entry.problem for entry in found.left_out if entry.problem]) == MISTAKES


def test_a_line_of_the_systems_crontab_that_ends_early_is_missing_a_user_too() -> None:
    (entry,) = imported("@daily\n", users=True).left_out

    assert entry.reason == "expected a user and a command after the schedule"


SYSTEM = "SHELL=/bin/sh\n17 * * * *\troot    cd / && run-parts /etc/cron.hourly\n5 4 * * * www-data /bin/x\n"


def test_the_systems_crontab_names_a_user() -> None:
    found = imported(SYSTEM, users=True)

    assert [job["shell"] for job in as_yaml(found).values()] == ["cd / && run-parts /etc/cron.hourly", "/bin/x"]
    assert found.jobs[1].differs == ("ran as www-data; here as the user of the replica",)


@pytest.mark.parametrize(
    ("file", "text", "system"),
    [
        pytest.param("/etc/crontab", "", True, id="by its name"),
        pytest.param("/etc/cron.d/php", "", True, id="by its folder"),
        pytest.param("/home/me/copy", SYSTEM, True, id="by its users"),
        pytest.param("/home/me/copy", "0 3 * * * mail -s x me\n", False, id="a program that is a user's name too"),
        pytest.param("/home/me/copy", SYSTEM + "1 1 * * * backup.sh all\n", False, id="one entry without a user"),
        pytest.param("/home/me/copy", "", False, id="nothing"),
    ],
)
def test_the_kind_of_a_crontab_is_told_by_place_and_users(file: str, text: str, system: bool) -> None:
    assert has_users(file, text) is system


def test_a_long_introduction_is_no_comment_of_an_entry() -> None:
    text = "".join(f"# line {number}\n" for number in range(9)) + "* * * * * x\n"
    (entry,) = entries("crontab", text, with_user=False)

    assert entry.comments == ()


FIELD = st.sampled_from(
    ["*", "*/5", "*/70", "1", "1-5", "5-1", "1,3", "~", "2~9", "0", "60", "MON", "jan", "L", "?", "7", "H", "a/b", ","]
)
WORD = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=20)
ENTRY = st.tuples(st.lists(FIELD, min_size=4, max_size=6).map(" ".join), WORD).map(" ".join)
SETTING = st.tuples(st.sampled_from(["SHELL", "HOME", "TZ", "CRON_TZ", "A", "MAILTO", "a b", '"Q"']), WORD).map(
    "=".join
)
MACRO = st.tuples(st.sampled_from(["@daily", "@reboot", "@every_minute", "@nope"]), WORD).map(" ".join)


@given(st.lists(ENTRY | SETTING | MACRO | WORD, max_size=8), st.booleans())
def test_whatever_a_crontab_holds_the_result_is_right(lines: list[str], users: bool) -> None:
    found = imported("\n".join(lines), users=users)

    assert found.total >= len(found.jobs)
    if found.jobs:
        assert len(table_of(found).jobs) == len(found.jobs)


def test_the_ticks_compared_are_those_of_the_authors_words() -> None:
    """Guards the comparison above: cronsim is asked for what the line says, and knows the change of clocks."""
    assert crons_own("30 2 * * *", SUMMER)[2] == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    assert CronFields("0", "*", "2", "*", "*", "*").follows_real_time
    assert crons_own("30 2 * * *", SUMMER)[1] - crons_own("30 2 * * *", SUMMER)[0] == timedelta(days=1)
