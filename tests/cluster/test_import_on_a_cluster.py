"""CronJobs of a real API server: imported as they are there, with templates that it takes as Jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.config.loading import load
from scheduler.core.actions import Action, KubernetesJobAction
from scheduler.core.job import JobTable, Overlap
from tests.edges.importing import LOADED_AT
from tests.processes.cluster import Namespace, a_namespace

RUN_S = 60
CRONJOBS: dict[str, dict[str, object]] = {
    "plain": {"schedule": "*/5 * * * *"},
    "berlin": {"schedule": "30 2 * * MON-FRI", "timeZone": "Europe/Berlin", "concurrencyPolicy": "Forbid"},
    "either-day": {"schedule": "0 0 */2 * 1", "concurrencyPolicy": "Replace"},
    "shifted": {"schedule": "5/15 ? * JAN-MAR sun", "startingDeadlineSeconds": 200},
    "period": {"schedule": "@every 1h30m"},
    "a" * 52: {"schedule": "@monthly"},
}


@pytest.fixture(scope="module")
def namespace(cluster: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    assert cluster
    with a_namespace(tmp_path_factory.mktemp("kubeconfigs")) as namespace:
        items = [cronjob(name, spec) for name, spec in CRONJOBS.items()]
        failing = cronjob("failing", {"schedule": "0 0 1 1 *", "failedJobsHistoryLimit": 0}, activeDeadlineSeconds=1)
        objects = {"apiVersion": "v1", "kind": "List", "items": [*items, failing]}
        namespace.kubectl("apply", "-f", "-", stdin=json.dumps(objects))
        yield namespace


def cronjob(name: str, spec: dict[str, object], **job: int) -> dict[str, object]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "nowhere.invalid/none"}]}
    template = {"spec": (job or {"completions": 0}) | {"template": {"spec": pod}}}
    suspended = {"suspend": True, "jobTemplate": template}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec | suspended}


@pytest.fixture(scope="module")
def table(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> JobTable:
    file = tmp_path_factory.mktemp("import") / "config.yaml"
    done = typed("import", "cronjobs", "-n", namespace.name, "-o", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    return load(file, LOADED_AT).table


def typed(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("leasebeat")), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=RUN_S)


def test_every_cronjob_of_the_namespace_becomes_a_job(table: JobTable) -> None:
    schedules = {name: job.schedule.text for name, job in table.jobs.items() if job.schedule}

    assert schedules == {
        "plain": "cron */5 * * * *",
        "berlin": "cron 30 2 * * MON-FRI",
        "either-day": "cron 0 0 1-31/2 * 1",
        "shifted": "cron 5-50/15 * * JAN-MAR SUN",
        "period": "every 5400s",
        "a" * 52: "cron 0 0 1 * *",
        "failing": "cron 0 0 1 1 *",
    }
    assert {job.enabled for job in table.jobs.values()} == {False}
    assert (table.jobs["berlin"].zone, table.jobs["berlin"].policy.overlap) == ("Europe/Berlin", Overlap.SKIP)


def test_manifests_give_the_same_table(namespace: Namespace, table: JobTable, tmp_path: Path) -> None:
    listed = namespace.kubectl("get", "cronjobs", "-o", "yaml")
    done = typed("import", "cronjobs", "-", "-o", str(tmp_path / "config.yaml"), stdin=listed)

    assert done.returncode == 0
    assert load(tmp_path / "config.yaml", LOADED_AT).table.jobs == table.jobs


def test_the_api_server_takes_every_template_as_a_job(namespace: Namespace, table: JobTable) -> None:
    jobs = [job_of(name, job.action) for name, job in table.jobs.items()]
    made = namespace.kubectl("create", "--dry-run=server", "-o", "name", "-f", "-", stdin="\n---\n".join(jobs))

    assert len(made.split()) == len(CRONJOBS) + 1


def job_of(name: str, action: Action) -> str:
    """The Job that a run would make, as a manifest."""
    assert isinstance(action, KubernetesJobAction)
    return json.dumps(
        {"apiVersion": "batch/v1", "kind": "Job", **action.template, "metadata": {"generateName": f"{name[:40]}-"}}
    )
