"""`leasebeat import` as people type it: what is written where, what is said, and the exit code."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from scheduler.cli.import_sound import sound
from scheduler.cli.main import main
from scheduler.importing.found import CannotImport, Found, ImportedJob
from tests.edges.command_line import Answer, typed

CRONTAB = "15 3 * * * /usr/local/bin/backup.sh\n@reboot /usr/bin/never\n"
FINE = "15 3 * * * /usr/local/bin/backup.sh\n"


class Terminal:
    """Runs `leasebeat import` in this process, in a folder of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def type(self, *arguments: str) -> Answer:
        return typed(self._capsys, "import", *arguments)


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    return Terminal(capsys)


def test_what_is_written_goes_to_stdout_and_what_is_said_to_stderr(terminal: Terminal) -> None:
    Path("tab").write_text(CRONTAB)
    answer = terminal.type("crontab", "tab")

    assert answer.code == 1
    assert yaml.safe_load(answer.out)["jobs"] == {"backup": {"cron": "15 3 * * *", "shell": "/usr/local/bin/backup.sh"}}
    assert yaml.safe_load(answer.out)["timezone"] == "Europe/Berlin"
    assert answer.err == (
        "1 of 2 entries written; left out: line 2 (@reboot is not a time: replicas restart whenever they like)\n"
    )


def test_a_file_is_written_and_can_be_checked_and_run(terminal: Terminal) -> None:
    Path("tab").write_text(FINE)
    answer = terminal.type("crontab", "tab", "-o", "config.yaml")

    assert (answer.code, answer.out, answer.err) == (0, "1 of 1 entry written to config.yaml\n", "")
    with pytest.raises(SystemExit) as checked:
        main(["check", "--strict"])
    assert checked.value.code == 0


def test_a_file_that_exists_is_not_written_over_unless_forced(terminal: Terminal) -> None:
    Path("tab").write_text(FINE)
    Path("config.yaml").write_text("mine")
    refused = terminal.type("crontab", "tab", "-o", "config.yaml")

    assert refused.code == 2
    assert "config.yaml exists already; --force replaces it" in refused.err
    assert Path("config.yaml").read_text() == "mine"

    assert terminal.type("celery", "nowhere:app", "-o", "config.yaml").code == 2  # before anybody is asked

    assert terminal.type("crontab", "tab", "-o", "config.yaml", "--force").code == 0
    assert "backup:" in Path("config.yaml").read_text()


def test_nothing_is_written_where_nothing_can_be(terminal: Terminal) -> None:
    Path("tab").write_text("@reboot x\n@reboot y\n")
    answer = terminal.type("crontab", "tab", "-o", "config.yaml")

    assert answer.code == 1
    assert answer.err.splitlines() == [
        "0 of 2 entries written; 2 left out",
        "left out: line 1 (@reboot is not a time: replicas restart whenever they like)",
        "left out: line 2 (@reboot is not a time: replicas restart whenever they like)",
    ]
    assert not Path("config.yaml").exists()


def test_a_crontab_comes_from_stdin(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"* * * * 8 x\n0 1 * * * y\n")))
    answer = terminal.type("crontab", "-", "--timezone", "Asia/Tokyo")

    assert answer.code == 1
    assert answer.err.startswith("stdin:1:9: expected weekday 0-7 or SUN-SAT, got 8 [cron-range]\n1 | * * * * 8 x\n")
    assert yaml.safe_load(answer.out)["timezone"] == "Asia/Tokyo"


def test_broken_manifests_from_stdin_are_named_so(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a: [\n")))
    answer = terminal.type("cronjobs", "-")

    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: stdin:2:1: ")


def test_the_zone_of_this_machine_is_taken_unless_one_is_named_and_said(terminal: Terminal) -> None:
    Path("tab").write_text(FINE)
    here, there = terminal.type("crontab", "tab").out, terminal.type("crontab", "tab", "--timezone", "Asia/Tokyo").out

    assert "# timezone is that of the machine this was imported on;" in here
    assert "this was imported on" not in there


def test_several_crontabs_become_one_table(terminal: Terminal) -> None:
    Path("cron.d").mkdir()
    Path("cron.d/php").write_text("09,39 * * * * root /usr/lib/php/sessionclean\n")
    Path("tab").write_text(FINE)
    answer = terminal.type("crontab", "tab", "cron.d/php")

    assert list(yaml.safe_load(answer.out)["jobs"]) == ["backup", "sessionclean"]
    assert answer.err.splitlines()[1] == "differs: sessionclean: ran as root; here as the user of the replica"


def test_one_difference_of_many_jobs_is_one_line(terminal: Terminal) -> None:
    Path("tab").write_text("MAILTO=me\n" + "".join(f"{minute} * * * * job-{minute}\n" for minute in range(5)))

    assert terminal.type("crontab", "tab").err.splitlines()[1:] == [
        "differs: job-0, job-1 and 3 more: MAILTO=me: nothing is mailed, the output is in the log"
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["crontab"], 2, "Missing argument", id="no file"),
        pytest.param(["crontab", "nowhere"], 2, "nowhere: No such file or directory", id="no such file"),
        pytest.param(["crontab", "/dev/null"], 3, "error: crontab /dev/null: nothing to import", id="an empty one"),
        pytest.param(["crontab", "-", "--timezone", "Berlin"], 2, "did you mean Europe/Berlin?", id="no such zone"),
        pytest.param(["celery", "shop"], 3, "error: expected MODULE:APP, got shop\n  write it", id="no app"),
        pytest.param(["celery", "nowhere:app"], 3, "error: no module nowhere\n  looked in", id="no module"),
        pytest.param(
            ["cronjobs", "--kubeconfig", "/nowhere"], 3, "error: no cluster: there is no kubeconfig", id="no cluster"
        ),
        pytest.param(["cronjobs", "/dev/null"], 3, "error: CronJobs of /dev/null: nothing to import", id="no CronJob"),
        pytest.param(["apscheduler"], 2, "No such command", id="an origin that is not known"),
    ],
)
def test_what_cannot_be_asked_has_its_exit_code_and_a_way_out(
    terminal: Terminal, arguments: list[str], code: int, said: str
) -> None:
    answer = terminal.type(*arguments)

    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err


@pytest.mark.parametrize("source", ["crontab", "cronjobs", "celery"])
def test_the_help_of_each_origin_fits_a_screen_and_ends_with_examples(terminal: Terminal, source: str) -> None:
    answer = terminal.type(source, "-h")

    assert answer.code == 0
    assert len(answer.out.splitlines()) <= 30
    assert answer.out.splitlines()[-2].startswith("  ")


def test_a_celery_app_is_looked_for_in_the_current_folder(terminal: Terminal) -> None:
    Path("shop.py").write_text(
        "from celery import Celery\napp = Celery()\napp.conf.beat_schedule = {'a': {'task': 't', 'schedule': 60}}\n"
    )
    answer = terminal.type("celery", "shop:app")

    assert (answer.code, answer.err) == (0, "1 of 1 entry written\n")
    assert yaml.safe_load(answer.out)["jobs"]["a"]["every"] == "1m"


def job(name: str, command: str) -> ImportedJob:
    return ImportedJob(name, name, {"every": "1m", "shell": command})


def test_a_job_that_the_reader_refuses_is_left_out_for_its_reason() -> None:
    found = Found("test", {}, (job("good", "x"), job("bad", "")))
    kept, text = sound(found)

    assert [entry.name for entry in kept.jobs] == ["good"]
    assert [(entry.entry, entry.reason) for entry in kept.left_out] == [("bad", 'expected a command, got "" [type]')]
    assert "bad:" not in text


def test_a_table_that_the_reader_refuses_is_no_result() -> None:
    with pytest.raises(CannotImport, match="no sound config can be made of it: unknown key"):
        sound(Found("test", {"nope": 1}, (job("good", "x"),)))


class Server(BaseHTTPRequestHandler):
    """An API server with 3 CronJobs, one a page."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        page = int(parse_qs(url.query).get("continue", ["0"])[0])
        found = url.path == "/apis/batch/v1/namespaces/ops/cronjobs"
        of_job = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "a"}]}}}}
        spec = {"schedule": "0 3 * * *", "jobTemplate": of_job}
        item = {"metadata": {"name": f"job-{page}", "namespace": "ops"}, "spec": spec}
        body = {"items": [item], "metadata": {"continue": str(page + 1)} if page < 2 else {}}
        refusal = {"code": 403, "message": f'User "me" cannot list resource {url.path}'}
        self.send_response(200 if found else 403)
        self.end_headers()
        self.wfile.write(json.dumps(body if found else refusal).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        config = {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "ops"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "users": [{"name": "u", "user": {}}],
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        yield str(tmp_path / "kubeconfig")
        server.shutdown()
        thread.join()


def test_all_pages_of_a_namespace_are_asked_for(terminal: Terminal, kubeconfig: str) -> None:
    answer = terminal.type("cronjobs", "--kubeconfig", kubeconfig)

    assert answer.code == 0
    assert list(yaml.safe_load(answer.out)["jobs"]) == ["job-0", "job-1", "job-2"]
    assert "# Imported from CronJobs of namespace ops" in answer.out


def test_a_missing_permission_is_named(terminal: Terminal, kubeconfig: str) -> None:
    answer = terminal.type("cronjobs", "--kubeconfig", kubeconfig, "-n", "prod")

    assert (answer.code, answer.err) == (
        3,
        "error: 403: may not list CronJob prod/*\n  grant list on cronjobs.batch in namespace prod to me\n",
    )
