"""What a new user sees after `helm install`: three replicas, one leads, and nothing is allowed that is not needed."""

from __future__ import annotations

import json
import re

import pytest

from scheduler import __version__
from tests.node.beat import METER, NAME, Beat, run

CONFIG = {
    "timezone": "Europe/Berlin",
    "lease": {"drain_timeout": "10s"},  # and times at which even a busy machine keeps its leader
    "jobs": {
        "hello": {"every": "2s", "shell": 'echo "hello from $LEASEBEAT_RUN"'},
        "packed": {"every": "2s", "python": "jobs.examples:meter"},
        "meter": METER,
    },
}
LOG_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(scope="module")
def notes(beat: Beat) -> str:
    """What Helm says when it has installed the release and all its pods are ready."""
    return beat.deploy("install", CONFIG, "--wait", "--timeout=180s")


@pytest.fixture(scope="module")
def installed(beat: Beat, notes: str) -> Beat:
    assert notes
    beat.until(lambda: beat.holder in beat.names(), "a leader")
    return beat


def log_of(beat: Beat, pod: str) -> list[str]:
    return beat.kubectl("logs", pod).splitlines()


def events_of(beat: Beat, pod: str) -> list[str]:
    return [line.split()[2] for line in log_of(beat, pod)]


def standby_of(beat: Beat) -> str:
    return min(beat.names() - {beat.holder})


def test_three_pods_are_ready_and_one_leads(installed: Beat) -> None:
    leads = [pod for pod in installed.names() if "lead.acquired" in events_of(installed, pod)]

    assert len(installed.ready()) == 3
    assert leads == [installed.holder]


def test_the_notes_name_commands_that_work(installed: Beat, notes: str) -> None:
    logs = next(line for line in notes.splitlines() if "Schedule and leader's log" in line)
    command = logs.partition("  kubectl ")[2].replace("logs -f", "logs --tail=-1")
    told = run("sh", "-c", f"kubectl {command}")

    assert f'installed as "{NAME}" in namespace {installed.namespace.name}: 3 replicas' in notes
    assert "schedule.job" in told


def test_the_leaders_log_shows_the_schedule_and_the_runs_of_all_three_jobs(installed: Beat) -> None:
    def all_ran() -> bool:
        text = "\n".join(log_of(installed, installed.holder))
        return all(re.search(rf"run\.succeeded +{job}@", text) for job in CONFIG["jobs"])

    installed.until(all_ran, "a run of each job")
    lines = log_of(installed, installed.holder)
    scheduled = [line for line in lines if " schedule.job " in line]

    assert all(re.match(rf"{LOG_TIME} (debug|info |warn |error) ", line) for line in lines)
    assert {line.split()[3] for line in scheduled} == set(CONFIG["jobs"])
    assert any(re.search(r"run\.output +hello@(\S+) hello from hello@\1$", line) for line in lines)


def test_a_standbys_log_has_three_lines(installed: Beat) -> None:
    standby = standby_of(installed)
    installed.until(lambda: len(log_of(installed, standby)) >= 3, "the standby's lines")
    _, started, last = log_of(installed, standby)
    place = f"kubernetes:{installed.namespace.name}/{NAME}"

    assert events_of(installed, standby) == ["config.loaded", "app.started", "lead.standby"]
    assert started.endswith(f"app.started      version={__version__} replica={standby} store={place} health=:8080")
    assert f'log="kubectl -n {installed.namespace.name} logs {installed.holder}"' in last


def test_the_coming_ticks_can_be_asked_for_in_any_pod(installed: Beat) -> None:
    told = installed.kubectl("exec", f"deploy/{NAME}", "--", "leasebeat", "next", "-N", "1")

    assert re.match(r"WHEN \(Europe/Berlin\) +UTC +IN +JOBS\n", told)
    assert "meter" in told


def test_a_pod_finds_its_rights_its_lease_and_its_clock_in_order(installed: Beat) -> None:
    told = installed.kubectl("exec", f"deploy/{NAME}", "--", "leasebeat", "check", "--cluster", "--strict")

    assert f"cluster {installed.namespace.name}/{NAME}: create get update watch ok" in told
    assert f"leader {installed.holder}" in told


def test_the_release_passes_its_own_test(installed: Beat) -> None:
    told = installed.helm("test", "--timeout=180s")

    assert "Phase:          Succeeded" in told


def test_a_pod_runs_as_a_plain_user_with_nothing_to_write_to_and_no_capability(installed: Beat) -> None:
    script = "id -u; id -g; touch /app/x 2>&1; touch /opt/leasebeat/x 2>&1; touch /tmp/x && echo tmp is writable; "
    script += "grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs|Seccomp:' /proc/self/status"
    told = installed.kubectl("exec", installed.holder, "--", "sh", "-c", script).split("\n")
    status = dict(line.split(":\t") for line in told if ":\t" in line)

    assert told[:2] == ["65532", "65532"]
    assert [line.rpartition(": ")[2] for line in told[2:4]] == ["Read-only file system"] * 2
    assert "tmp is writable" in told
    assert status == dict.fromkeys(("CapPrm", "CapEff", "CapBnd"), "0" * 16) | {"NoNewPrivs": "1", "Seccomp": "2"}


def test_the_account_may_write_its_lease_and_events_and_nothing_else_that_others_may_not(installed: Beat) -> None:
    def rights(account: str) -> set[str]:
        name = f"--as=system:serviceaccount:{installed.namespace.name}:{account}"
        told = installed.kubectl("auth", "can-i", "--list", name, "--no-headers")
        return {" ".join(line.split()) for line in told.splitlines()}

    lease = "leases.coordination.k8s.io"
    of_anybody, ours = rights("default"), rights(NAME)

    assert ours - of_anybody == {
        f"{lease} [] [] [create]",
        f"{lease} [] [{NAME}] [get update watch]",
        "events [] [] [create patch]",
    }
    assert of_anybody <= ours


def test_the_probes_answer_where_kubernetes_asks(installed: Beat) -> None:
    standby = standby_of(installed)
    pod = json.loads(installed.kubectl("get", "pod", standby, "-o", "json"))
    container = pod["spec"]["containers"][0]
    paths = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    address = f"http://{pod['status']['podIP']}:8080"
    ask = "import sys, urllib.request; print([urllib.request.urlopen(url, timeout=5).status for url in sys.argv[1:]])"
    told = installed.kubectl(
        "exec", installed.holder, "--", "python", "-c", ask, *(address + path for path in sorted(paths))
    )

    assert paths == {"/startupz", "/livez", "/readyz"}
    assert told.strip() == "[200, 200, 200]"
