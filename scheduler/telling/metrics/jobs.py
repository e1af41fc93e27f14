"""What only the leader can tell of its jobs, as gauges. Absent on a standby: no two replicas differ about a job.

What became of earlier runs is known of this term only. A hand-over begins a new count of failures, and a new time for
the next success; whoever has to know more asks the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.samples import Sample

from scheduler.core.job import JobTable
from scheduler.core.ledger import Ledger
from scheduler.core.notes.commands import pauses_in
from scheduler.core.views.lag import Lag
from scheduler.telling.metrics.counts import Sums
from scheduler.telling.metrics.sources import Sources
from scheduler.telling.metrics.text import Labels
from scheduler.telling.metrics.times import JobTimes


class JobGauges:
    """The leader's gauges; for one thread."""

    def __init__(self, table: JobTable, sources: Sources) -> None:
        self._sources = sources
        self._enabled = [job.name for job in table.jobs.values() if job.enabled]
        self._labels = {job: Labels({"job": job}) for job in table.jobs}
        self._times = JobTimes(table)
        self._lag = Lag(table)
        self._paused_at: dict[str, datetime] = {}

    def samples(self, name: str, values: Mapping[str, float]) -> list[Sample]:
        """One sample a job; `other` has its labels as well."""
        labels = self._labels
        for job in values.keys() - labels.keys():
            labels[job] = Labels({"job": job})
        return [Sample(name, labels[job], value) for job, value in values.items()]

    def collect(self, ledger: Ledger, notes: Mapping[str, str], sums: Sums) -> Iterator[Metric]:
        """All of them, as the Lease has it by now."""
        now = self._sources.clock.wall()
        pauses = pauses_in(notes)
        paused = {job for job, pause in pauses.items() if not pause.is_over(now)}
        self._paused_at |= {job: min(now, pause.until or now) for job, pause in pauses.items()}
        lag_s = self._lag.at(ledger, paused, now).total_seconds()
        yield GaugeMetricFamily(
            "leasebeat_lag_seconds", "Age of the oldest due tick that no write has decided yet.", lag_s
        )
        yield from self._of_ticks(now, paused, sums)
        yield from self._of_runs(ledger, sums)
        states = {job: float(job in paused) for job in self._enabled}
        yield self._gauge("leasebeat_job_paused", "1 while the job is paused, else 0.", states)

    def _of_ticks(self, now: datetime, paused: set[str], sums: Sums) -> Iterator[Metric]:
        due, following, deadlines = {}, {}, {}
        for job, span in self._times.at(now):
            if span.last:
                due[job.name] = span.last.timestamp()
            if span.next:
                following[job.name] = span.next.timestamp()
            deadline = self._times.deadline(job, span, self._served(job.name, now, sums))
            if deadline and job.name not in paused:
                deadlines[job.name] = deadline.timestamp()
        yield self._gauge("leasebeat_job_due_seconds", "Unix time of the job's last nominal tick.", due)
        yield self._gauge("leasebeat_job_next_seconds", "Unix time of the job's next nominal tick.", following)
        yield self._gauge(
            "leasebeat_job_deadline_seconds",
            "Unix time at which the oldest tick without a success since it was due has used up the job's timeout.",
            deadlines,
        )

    def _served(self, job: str, now: datetime, sums: Sums) -> datetime:
        """Up to when a success is not missing: the last one, or whatever kept the job from having one in this term."""
        begun = sums.lead_since or now
        paused_at = max(self._paused_at.get(job, begun), sums.resumed.get(job, begun))
        return max(begun, sums.success.get(job, begun), paused_at)

    def _of_runs(self, ledger: Ledger, sums: Sums) -> Iterator[Metric]:
        yield self._gauge(
            "leasebeat_job_success_seconds",
            "Unix time at which the end of the job's last successful run was told, in this term.",
            {job: told_at.timestamp() for job, told_at in sums.success.items()},
        )
        yield self._gauge(
            "leasebeat_job_failures_in_a_row",
            "How many runs of the job, the last ones of this term, failed or timed out.",
            sums.failures,
        )
        yield self._gauge("leasebeat_job_running", "Runs of the job at this moment.", self._running(ledger, sums))

    def _running(self, ledger: Ledger, sums: Sums) -> dict[str, float]:
        """Runs that began here and are open, and those that an earlier leader still drains."""
        self._sources.counts.forget(sums.running - {entry.run for entry in ledger.open})
        counted = dict.fromkeys(self._enabled, 0.0)
        for entry in ledger.open:
            if entry.left > 0 or entry.run in sums.running:
                counted[entry.job] = counted.get(entry.job, 0.0) + 1
        return {job: count for job, count in counted.items() if job in self._labels}

    def _gauge(self, name: str, text: str, values: Mapping[str, float]) -> Metric:
        family = GaugeMetricFamily(name, text)
        family.samples = self.samples(name, values)
        return family
