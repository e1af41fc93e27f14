"""What a table with Kubernetes Jobs needs of a cluster besides its Lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.cli.cluster.findings import Finding, role, who
from scheduler.cluster.permissions import Account
from scheduler.cluster.resource import Resource
from scheduler.core.actions import KubernetesJobAction
from scheduler.core.job import JobTable

JOBS, PODS, LOGS = ("jobs", "pods", "pods/log")
NEEDED = {JOBS: ("create", "get", "list", "watch", "delete"), PODS: ("list",), LOGS: ("get",)}
REQUESTS = sum(len(verbs) for verbs in NEEDED.values())


@dataclass(frozen=True, slots=True)
class JobRights:
    """The verbs that the account has, by what they are for: `jobs`, `pods`, `pods/log`."""

    granted: dict[str, list[str]]

    @property
    def sentence(self) -> str:
        """What may be done with Jobs, for people."""
        return f"jobs {' '.join(self.granted[JOBS])} ok"

    def problems(self, account: Account | None, lease: Resource, *, is_pasted: bool) -> list[Finding]:
        """What keeps Jobs from being made or followed, and what keeps their failures from being explained.

        The Role that grants it all comes with the first, unless it `is_pasted` already.
        """
        missing = {what: [verb for verb in verbs if verb not in self.granted[what]] for what, verbs in NEEDED.items()}
        paste = None if is_pasted else role(account, lease, jobs=True)
        found = []
        if missing[JOBS]:
            verbs, mild = ", ".join(missing[JOBS]), missing[JOBS] == ["watch"]
            hint = "without watch each Job is looked at every few seconds" if mild else None
            message = f"{who(account)} may not {verbs} Jobs in namespace {lease.namespace} (403)"
            found.append(Finding(message, "rbac", hint, warning=mild, paste=paste))
        pods = [f"{verb} {what}" for what in (PODS, LOGS) for verb in missing[what]]
        if pods:
            message = f"{who(account)} may not {', '.join(pods)} in namespace {lease.namespace} (403)"
            hint = "without it a Job's failure is told without its last lines"
            found.append(Finding(message, "rbac", hint, warning=True, paste=None if found else paste))
        return found


def makes_jobs(table: JobTable) -> bool:
    """Whether any enabled job of the table is a Kubernetes Job."""
    return any(job.enabled and isinstance(job.action, KubernetesJobAction) for job in table.jobs.values())


def asked(may: Callable[[str, Resource], bool], namespace: str) -> JobRights:
    """Ask for every right that Jobs need."""
    about = {
        JOBS: Resource("batch/v1", "Job", "jobs", namespace, ""),
        PODS: Resource("v1", "Pod", "pods", namespace, ""),
        LOGS: Resource("v1", "Pod", "pods", namespace, "", "log"),
    }
    return JobRights({what: [verb for verb in verbs if may(verb, about[what])] for what, verbs in NEEDED.items()})
