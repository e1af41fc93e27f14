"""What every replica has to tell by metrics, and what it counted while it led.

Imported with the first scrape, because prometheus_client costs megabytes that a replica nobody scrapes should not pay.
The library's registry is asked, none of its process and platform metrics come along: the kubelet has those of a pod.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from scheduler.core.job import JobTable
from scheduler.core.views.outlook import Outlook
from scheduler.telling.metrics.counts import Spread, Sums, Tick
from scheduler.telling.metrics.jobs import JobGauges
from scheduler.telling.metrics.sources import About, Sources
from scheduler.telling.metrics.text import Labels, number_text


class Families(Collector):
    """All metrics of one replica, made anew for each collection; for one thread."""

    def __init__(self, about: About, table: JobTable, sources: Sources) -> None:
        self._about = about
        self._sources = sources
        self._jobs = JobGauges(table, sources)
        self._of_ticks: dict[Tick, Labels] = {}

    def describe(self) -> Iterable[Metric]:
        """Nothing: there is no other collector whose names these could be mistaken for."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every metric that this replica has by now."""
        sums = self._sources.counts.so_far()
        outlook = self._sources.outlook()  # after that, so each run that was counted as running is in it, or over
        yield from self._of_every_replica(outlook)
        yield from self._of_the_store()
        if sums.leads:
            yield from self._counted(sums)
        if outlook.proven and outlook.ledger:
            yield from self._jobs.collect(outlook.ledger, outlook.notes, sums)

    def _of_every_replica(self, outlook: Outlook) -> Iterator[Metric]:
        about = self._about
        status = GaugeMetricFamily(
            "leader_election_master_status",
            "1 while this replica leads and may start runs, else 0; client-go's name for it.",
            labels=["name"],
        )
        status.add_metric([about.lease], outlook.proven)
        info = GaugeMetricFamily(
            "leasebeat_info",
            "Always 1: the program, its store and the hash of its table.",
            labels=["version", "store", "config_hash"],
        )
        info.add_metric([about.version, about.store, about.config_hash], 1)
        yield from (status, info)
        if outlook.alive_at is not None:
            age_s = max(0.0, self._sources.clock.boot() - outlook.alive_at)
            text = "Seconds since this replica last saw the Lease renewed."
            yield GaugeMetricFamily("leasebeat_lease_age_seconds", text, age_s)
        if outlook.term:
            text = "Number of the last term that this replica knows of; each change of the leader begins another."
            yield GaugeMetricFamily("leasebeat_term", text, outlook.term)

    def _of_the_store(self) -> Iterator[Metric]:
        outcomes, took = self._sources.requests.so_far()
        requests = CounterMetricFamily(
            "leasebeat_store_requests", "Requests to the Lease's store.", labels=["verb", "outcome"]
        )
        for verb_and_outcome, count in sorted(outcomes.items()):
            requests.add_metric(verb_and_outcome, count)
        seconds = HistogramMetricFamily(
            "leasebeat_store_request_seconds", "How long requests to the Lease's store took.", labels=["verb"]
        )
        for verb, spread in sorted(took.items()):
            seconds.add_metric([verb], _cumulative(spread), spread.total_s)
        yield from (requests, seconds)

    def _counted(self, sums: Sums) -> Iterator[Metric]:
        """What this process counted since its start, also after it led: counters that went would lose what they had."""
        leads = CounterMetricFamily("leasebeat_lead_changes", "Leads acquired by this replica.", labels=["cause"])
        for cause, count in sorted(sums.leads.items()):
            leads.add_metric([cause], count)
        yield leads
        yield from self._counted_by_job(sums)
        yield HistogramMetricFamily(
            "leasebeat_late_seconds",
            "From a tick's due instant to the first statement of its run.",
            buckets=_cumulative(sums.late),
            sum_value=sums.late.total_s,
        )

    def _counted_by_job(self, sums: Sums) -> Iterator[Metric]:
        ticks = CounterMetricFamily("leasebeat_ticks", "Final lines, each told first by this replica.")
        ticks.samples = [Sample("leasebeat_ticks_total", self._tick(key), count) for key, count in sums.ticks.items()]
        retries = CounterMetricFamily("leasebeat_retries", "Attempts that are followed by another.")
        retries.samples = self._jobs.samples("leasebeat_retries_total", sums.retries)
        took = SummaryMetricFamily("leasebeat_run_seconds", "From a run's first statement to its end.")
        took.samples = [
            *self._jobs.samples("leasebeat_run_seconds_count", {job: spent.count for job, spent in sums.took.items()}),
            *self._jobs.samples("leasebeat_run_seconds_sum", {job: spent.total_s for job, spent in sums.took.items()}),
        ]
        yield from (ticks, retries, took)

    def _tick(self, key: Tick) -> Labels:
        if key not in self._of_ticks:
            self._of_ticks[key] = Labels(dict(zip(("job", "outcome", "reason"), key, strict=True)))
        return self._of_ticks[key]


def _cumulative(spread: Spread) -> list[tuple[str, float]]:
    bounds = [*map(number_text, spread.bounds), "+Inf"]
    return list(zip(bounds, accumulate(spread.counts), strict=True))
