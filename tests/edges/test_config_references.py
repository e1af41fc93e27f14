"""What config.yaml takes from the environment and from files, where it may, and that none of it is ever shown."""

from __future__ import annotations

import copy
import pickle
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.cli.main import main
from scheduler.clock import SystemClock
from scheduler.config.imports import import_faults
from scheduler.config.loading import load
from scheduler.config.mistakes import Mistake
from scheduler.config.report import problems_text
from scheduler.config.settings import Loaded
from scheduler.config.values.references import ANY_ENVIRONMENT, Template, read_reference, refuse_reference
from scheduler.core.actions import PythonAction, ShellAction
from scheduler.core.errors import ConfigError
from scheduler.core.references import FileReference, Secret, Value
from tests.edges.config_text import cases, told

SECRET = "s3cret-of-the-night"  # noqa: S105 - an example
ENVIRONMENT = {"TOKEN": SECRET, "USER": "bob", "EMPTY": ""}
LOADED_AT = datetime(2026, 11, 22, 19, 41, tzinfo=UTC)


def load_text(folder: Path, text: str, environment: dict[str, str] = ENVIRONMENT) -> Loaded:
    (folder / "config.yaml").write_text(text)
    return load(folder / "config.yaml", LOADED_AT, environment)


def env_of(folder: Path, written: str, environment: dict[str, str] = ENVIRONMENT) -> Value:
    """What a run is handed for a variable with this value."""
    table = load_text(folder, f"jobs: {{a: {{every: 1m, shell: {{run: ls, env: {{A: {written}}}}}}}}}", environment)
    action = table.table.jobs["a"].action
    assert isinstance(action, ShellAction)
    return action.env["A"]


MEANT = {
    "text": ('"eu"', "eu"),
    "a dollar that begins nothing": ("5$", "5$"),
    "a dollar before a digit": ("$5", "$5"),
    "a name within a text": ("pa$word", "pa$word"),
    "a dollar written twice": ('"$$5, $$$$"', "$5, $$"),
    "a reference written as text": ('"$${TOKEN}"', "${TOKEN}"),
    "a variable": ('"${TOKEN}"', Secret(SECRET)),
    "variables in a text": ('"https://${USER}:${TOKEN}@db/$$1"', Secret(f"https://bob:{SECRET}@db/$1")),
    "a dollar before a variable": ('"$$${USER}"', Secret("$bob")),
    "a variable that is set and empty": ('"${EMPTY}"', Secret("")),
    "a file": ("{file: /run/secrets/token}", FileReference("/run/secrets/token")),
}


@pytest.mark.parametrize(("written", "value"), [pytest.param(*row, id=name) for name, row in MEANT.items()])
def test_what_a_value_stands_for(tmp_path: Path, written: str, value: Value) -> None:
    assert env_of(tmp_path, written) == value


def test_functions_are_given_variables_too(tmp_path: Path) -> None:
    read = load_text(tmp_path, 'jobs: {a: {every: 1m, python: {call: "a:b", env: {A: "${TOKEN}"}}}}')

    assert read.table.jobs["a"].action == PythonAction("a", "b", env={"A": Secret(SECRET)})


@given(text=st.text(st.sampled_from("${}A1_( )x"), max_size=12))
def test_text_with_its_dollars_doubled_stands_for_itself(text: str) -> None:
    assert read_reference(text.replace("$", "$$")) == text


@given(text=st.text(st.sampled_from("${}A1_( )x"), max_size=12))
def test_every_text_is_read_or_refused(text: str) -> None:
    with suppress(Mistake):
        assert isinstance(read_reference(text), str | Template)


UNSET = """\
== at 4:51 a variable that is not set
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: «"${OPS_WEBHOOK}"»}}}
>> jobs.poll.shell.env.TOKEN: environment variable OPS_WEBHOOK is not set [env]
>> set it (chart: env.OPS_WEBHOOK); a plain $ is $$

== two variables that are not set, one of them twice
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: «"${UNSET_A}${UNSET_B}${UNSET_A}"»}}}
>> jobs.poll.shell.env.TOKEN: environment variables UNSET_A and UNSET_B are not set [env]
>> set them (chart: env.UNSET_A and env.UNSET_B); a plain $ is $$

== a name that no variable has
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: "a «${1}» b"}}}
>> jobs.poll.shell.env.TOKEN: expected ${NAME}, got ${1} [reference]
>> a plain $ is $$

== a shell's default
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: "«${TOKEN:-none}»"}}}
>> jobs.poll.shell.env.TOKEN: expected ${NAME}, got ${TOKEN:-none} [reference]
>> a plain $ is $$

== a reference that is never closed
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: "«${TOKEN»"}}}
>> jobs.poll.shell.env.TOKEN: expected ${NAME}, got ${TOKEN [reference]
>> a plain $ is $$

== a shell's short form
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: «$TOKEN»}}}
>> jobs.poll.shell.env.TOKEN: expected ${TOKEN}, got $TOKEN [reference]
>> for this very text write $$TOKEN

== Kubernetes' own form
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: «$(TOKEN)»}}}
>> jobs.poll.shell.env.TOKEN: expected ${TOKEN}, got $(TOKEN) [reference]
>> for this very text write $$(TOKEN)

== a Secret of the cluster
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: «{secret: db/password}»}}}
>> jobs.poll.shell.env.TOKEN: expected text or {file: PATH}, got a map [reference]
>> {secret: ...} works only in kubernetes_job.env; here ${NAME} from the environment, or {file: PATH}

== a file without a name
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: {file: «""»}}}}
>> jobs.poll.shell.env.TOKEN.file: expected the name of a file, got "" [reference]
>> such as {file: /run/secrets/token}

== a file whose name is a reference
jobs:
  poll: {every: 5m, shell: {run: ls, env: {TOKEN: {file: "«${DIR}»/token"}}}}
>> jobs.poll.shell.env.TOKEN.file: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself
"""

ELSEWHERE = """\
== in a schedule
jobs:
  poll: {cron: "«${CRON}»", shell: ls}
>> jobs.poll.cron: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== in a part of a schedule
jobs:
  poll: {cron: "0 «${HOUR}» * * *", shell: ls}
>> jobs.poll.cron: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== in a policy
jobs:
  poll:
    every: 5m
    timeout: «${TIMEOUT}»
    shell: ls
>> jobs.poll.timeout: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== in the table's zone
timezone: «${TZ}»
jobs: {poll: {every: 5m, shell: ls}}
>> timezone: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== in the Lease's name
lease: {name: "beat-«${STAGE}»"}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.name: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== in a path
lease: {path: "«${HOME}»/beat.db"}
jobs: {poll: {every: 5m, shell: ls}}
>> lease.path: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== in a function's name
jobs:
  poll: {every: 5m, python: "jobs:«${WHAT}»"}
>> jobs.poll.python: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== in a job's name
jobs:
  «poll-${STAGE}»:
    every: 5m
    shell: ls
>> jobs.poll-${STAGE}: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== a file, for a schedule
jobs:
  poll: {cron: «{file: cron.txt}», shell: ls}
>> jobs.poll.cron: a reference cannot stand here [reference]
>> ${...} and {file: ...} are for env, url, headers, body, broker, webhook, ping; write the value itself

== an argument that is nothing else
jobs:
  poll: {every: 5m, python: {call: a:b, kwargs: {token: «"${TOKEN}"»}}}
>> jobs.poll.python.kwargs.token: a reference cannot stand here [reference]
>> give it to the job as env, and read it there

== a word of a command that no shell sees
jobs:
  poll: {every: 5m, shell: [./purge, «"${DAYS}"»]}
>> jobs.poll.shell[1]: a reference cannot stand here [reference]
>> a list has no shell to fill it in: write the command as text

== a placeholder of a template
jobs:
  poll: {every: "«{{ .Values.period }}»", shell: ls}
>> jobs.poll.every: a template's placeholder was left unfilled [template]
>> render the file before it is read
"""

NO_REFERENCE = {
    "text for the shell": 'shell: "echo ${HOME:-none} $$ $(date) {{.Names}}"',
    "text for the shell in its long form": 'shell: {run: "echo ${HOME}"}',
    "a shell that is a word of a list": 'shell: [sh, -c, "echo ${HOME}"]',
    "a template among arguments": 'python: {call: "a:b", args: ["${name}, $5", "Dear ${NAME}"], kwargs: {x: "{{y}}"}}',
    "a map with a file among arguments": 'python: {call: "a:b", kwargs: {x: {file: y}}}',
}


@pytest.mark.parametrize(("text", "said"), cases(UNSET))
def test_a_reference_that_leads_nowhere(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


@pytest.mark.parametrize(("text", "said"), cases(ELSEWHERE))
def test_a_reference_where_there_can_be_none(tmp_path: Path, text: str, said: str) -> None:
    assert told(tmp_path, text) == said


@pytest.mark.parametrize("keys", [pytest.param(keys, id=name) for name, keys in NO_REFERENCE.items()])
def test_dollars_that_are_somebody_elses(tmp_path: Path, keys: str) -> None:
    assert told(tmp_path, f"jobs: {{a: {{every: 5m, {keys}}}}}") == ""


@given(text=st.text(st.characters(exclude_characters="${<"), max_size=20))
def test_text_without_dollars_and_braces_is_no_reference(text: str) -> None:
    refuse_reference(text)


def test_a_file_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    text = "jobs:\n  a: {every: 1m, shell: {run: ls, env: {A: {file: run/token}}}}\n"

    assert (
        problems_text(load_text(tmp_path, text).warnings).replace(f"{tmp_path}/", "")
        == """\
config.yaml:2:51: warning: jobs.a.shell.env.A.file: no file run/token yet [env-file]
2 |   a: {every: 1m, shell: {run: ls, env: {A: {file: run/token}}}}
  |                                                   ^^^^^^^^^ each run reads it as it starts, and fails without it"""
    )


def test_a_file_beside_config_yaml_is_found(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    text = "jobs: {a: {every: 1m, shell: {run: ls, env: {A: {file: token}}}}}"

    assert load_text(tmp_path, text).warnings == []


def test_whoever_starts_no_run_needs_no_secrets(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text('jobs: {a: {every: 1m, shell: {run: ls, env: {A: "${NOWHERE}"}}}}')

    assert load(tmp_path / "config.yaml", LOADED_AT, ANY_ENVIRONMENT).table.jobs["a"].name == "a"


@pytest.mark.parametrize("command", [["next"], ["next", "--json"], ["check"], ["check", "--json"], ["check", "-v"]])
def test_no_command_shows_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    (tmp_path / "config.yaml").write_text(REFERRING)
    monkeypatch.setenv("TOKEN", SECRET)
    with pytest.raises(SystemExit) as ended:
        main([*command, "-c", str(tmp_path / "config.yaml")])
    shown = capsys.readouterr()

    assert (ended.value.code, SECRET in shown.out + shown.err) == (0, False)


def test_a_command_that_starts_no_run_does_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(REFERRING)
    monkeypatch.delenv("TOKEN", raising=False)
    for command in ("next", "check"):
        with pytest.raises(SystemExit):
            main([command, "-c", str(tmp_path / "config.yaml")])

    assert re.findall(r"\[env\]|1 error", capsys.readouterr().err) == ["[env]", "1 error"]


REFERRING = 'jobs: {a: {every: 1m, shell: {run: ls, env: {A: "x${TOKEN}"}}}}'


def test_replicas_with_other_secrets_have_the_same_table(tmp_path: Path) -> None:
    one, other = (load_text(tmp_path, REFERRING, {"TOKEN": token}) for token in ("a", "b"))

    assert one.hash == other.hash
    assert one.table.known == other.table.known


def test_nothing_that_is_loaded_shows_a_secret(tmp_path: Path) -> None:
    read = load_text(tmp_path, REFERRING)
    value = Secret(SECRET)

    written = [repr(read), str(read), f"{read}", repr(read.table.jobs), f"{value}", str(value), f"{value!r:>9}"]
    assert [text for text in written if SECRET in text] == []
    assert (f"{value}", f"{value:>5}", repr(value)) == ("***", "  ***", "***")
    assert repr(Exception(value, {"A": value})) == "Exception(***, {'A': ***})"


def test_a_secret_survives_its_way_to_another_process(tmp_path: Path) -> None:
    read = load_text(tmp_path, REFERRING)

    assert pickle.loads(pickle.dumps(read)) == read  # noqa: S301 - our own
    assert copy.deepcopy(Secret("a")) == Secret("a") != Secret("b")


def test_a_module_that_says_its_jobs_secrets_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import os\nraise ValueError('bad token ' + os.environ['TOKEN'] + os.environ['FILE'] + os.environ['PLAIN'])\n"
    )
    (tmp_path / "token").write_text("other-secret\n")
    env: dict[str, Value] = {"TOKEN": Secret(SECRET), "FILE": FileReference("token"), "PLAIN": "plain"}
    (fault,) = import_faults([PythonAction("loud", "go", env=env)], tmp_path, SystemClock())

    assert fault is not None
    assert fault.hint == "ValueError: bad token ******plain"


@pytest.mark.parametrize("quoted", ["os.environ['TOKEN'][6:-3]", "repr(os.environ['TOKEN'])"])
def test_a_module_that_says_a_part_of_them_is_not_quoted(tmp_path: Path, quoted: str) -> None:
    """An address is taken to pieces, and an exception shows a text as Python writes it."""
    (tmp_path / "picky.py").write_text(f"import os\nraise ValueError({quoted})\n")
    action = (
        load_text(
            tmp_path,
            'jobs: {a: {every: 1m, python: {call: "picky:go", env: {TOKEN: "db://u${TOKEN}@db"}}}}',
            {"TOKEN": "p\\w'd"},
        )
        .table.jobs["a"]
        .action
    )
    assert isinstance(action, PythonAction)
    (fault,) = import_faults([action], tmp_path, SystemClock())

    assert fault is not None
    assert "w'd" not in str(fault.hint)
    assert "***" in str(fault.hint)


def test_a_module_may_want_what_only_its_runs_have(tmp_path: Path) -> None:
    """A file that is not there gives no variable, and a pipe is not waited for."""
    (tmp_path / "calm.py").write_text("import os\nassert 'TOKEN' not in os.environ\ndef go(): ...\n")
    call = PythonAction("calm", "go", env={"TOKEN": FileReference("nowhere")})

    assert import_faults([call], tmp_path, SystemClock()) == [None]


def test_no_error_shows_a_secret(tmp_path: Path) -> None:
    text = 'jobs: {a: {every: 1x, shell: {run: ls, env: {A: "${TOKEN}", B: "${NOWHERE}"}}}}'
    with pytest.raises(ConfigError) as refused:
        load_text(tmp_path, text)

    assert [problem.code for problem in refused.value.problems] == ["duration", "env"]
    assert SECRET not in repr(refused.value.problems) + problems_text(refused.value.problems)
