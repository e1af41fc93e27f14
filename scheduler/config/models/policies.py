"""The keys of config.yaml that say how jobs are run: those that `defaults` and every job may have."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from scheduler.config.models.strict import Strict
from scheduler.config.values.common import choice, duration, duration_or, optional, whole
from scheduler.config.values.references import Written
from scheduler.config.values.referring import names
from scheduler.config.values.web import web_address
from scheduler.core.job import CatchUp, Delivery, Output, Overlap, Policy

_POLICY = Policy()
_MINUTE = timedelta(minutes=1)
_OVERLAP_ELSEWHERE = {
    "Forbid": "CronJob's Forbid is skip",
    "Allow": "CronJob's Allow is allow",
    "Replace": "CronJob's Replace is replace",
}
_TARGETS = "the name of a target under notify"


_OUTPUT_ELSEWHERE = {
    **dict.fromkeys(("no", "off"), "did you mean none?"),
    **dict.fromkeys(("yes", "on"), "did you mean log?"),
}


class NotifyKeys(Strict):
    """Who is told of a job's runs: names of targets that the file has under `notify`."""

    on_failure: Annotated[tuple[str, ...], names(_TARGETS)] = Field(
        (),
        description="Told when a run has failed, timed out or was interrupted, and is not tried again.",
        examples=[["ops"]],
    )
    on_missed: Annotated[tuple[str, ...], names(_TARGETS)] = Field(
        (),
        description="Told when a tick was dropped: it fell due while no one led, and was not caught up.",
        examples=[["ops"]],
    )
    on_success: Annotated[tuple[str, ...], names(_TARGETS)] = Field(
        (), description="Told when a run has succeeded.", examples=[["ops"]]
    )


class PolicyKeys(Strict):
    """How jobs are run, and what happens when something goes wrong: keys of a job, and of `defaults` for all jobs."""

    overlap: Annotated[Overlap, choice(Overlap, "skip queue replace allow", foreign=_OVERLAP_ELSEWHERE)] = Field(
        _POLICY.overlap,
        description="What happens when the job is due while it still runs. skip: nothing; queue: it waits for the run "
        "to end, and if another tick comes meanwhile, that one waits instead; replace: the run is ended first; allow: "
        "both run.",
        examples=["queue"],
    )
    catch_up: Annotated[CatchUp, choice(CatchUp, "none latest all")] = Field(
        _POLICY.catch_up,
        description="Which ticks (times at which the job is due) are run after all if they were missed because nobody "
        "led. none: none of them; latest: the last one; all: all of them, oldest first.",
        examples=["all"],
    )
    catch_up_window: Annotated[timedelta, duration()] = Field(
        _POLICY.catch_up_window,
        description="Missed ticks older than this are dropped. Must be more than lease_duration + retry_period, or a "
        "crash would lose ticks; not with catch_up: none.",
        examples=["6h"],
    )
    max_catch_up: Annotated[int, whole(1, 1000)] = Field(
        _POLICY.max_catch_up,
        description="With catch_up: all, at most this many missed ticks are run, the newest ones. 1 to 1000.",
        examples=[100],
    )
    delivery: Annotated[Delivery, choice(Delivery, "at_least_once at_most_once")] = Field(
        _POLICY.delivery,
        description="What happens to a run that was interrupted, cut off by the crash of its replica. at_least_once: "
        "it is started again; at_most_once: it is not, for what must not happen twice (money, mail). Then retries must "
        "be 0.",
        examples=["at_most_once"],
    )
    timeout: Annotated[
        timedelta | None,
        duration_or(
            "none",
            duration(at_least=timedelta(milliseconds=1), hint="no limit is: timeout: none"),
            "no limit is the word none",
        ),
    ] = Field(
        _POLICY.timeout,
        description="How long a run may take. Then it is sent TERM, 10 s later KILL, and reported as timed out. none: "
        "no limit.",
        examples=["20m", "none"],
    )
    retries: Annotated[int, whole(0, 10)] = Field(
        _POLICY.retries,
        description="How many more attempts follow one that failed or timed out. 0 to 10.",
        examples=[2],
    )
    retry_delay: Annotated[timedelta, duration(at_most=5 * _MINUTE)] = Field(
        _POLICY.retry_delay,
        description="How long to wait before the first retry. Doubles with each further one, up to 5m; itself at most "
        "5m.",
        examples=["30s"],
    )
    max_interruptions: Annotated[int, whole(1, 100)] = Field(
        _POLICY.max_interruptions,
        description="A run that was interrupted this many times is dropped, so that a job that crashes its replica "
        "does not crash all of them for ever. 1 to 100.",
        examples=[1],
    )
    claim_ahead: Annotated[
        timedelta | None, duration_or("auto", duration(), "to claim a run only when it falls due, write 0s")
    ] = Field(
        _POLICY.claim_ahead,
        description="How long before its tick a run is claimed, that is, written into the Lease, without which it may "
        "not start. Earlier is more punctual, but an at_most_once run is lost if its replica crashes in between. auto: "
        "about as long as writes take, at most 500ms, and 0s with at_most_once. Or a duration, at most a tenth of "
        "lease_duration.",
        examples=["1s"],
    )
    jitter: Annotated[timedelta, duration()] = Field(
        _POLICY.jitter,
        description="Starts each run up to this much after its tick; the same tick always by the same time, on every "
        "replica. At most half the period. To spread many jobs, write H into cron instead.",
        examples=["30s"],
    )
    output: Annotated[Output, choice(Output, "log tail none", foreign=_OUTPUT_ELSEWHERE)] = Field(
        _POLICY.output,
        description="What becomes of what a run writes. log: each line is logged; tail: the last 20 lines are, if the "
        "run does not succeed; none: nothing is.",
        examples=["tail"],
    )
    ping: Annotated[Written | None, optional(web_address())] = Field(
        None,
        description="A URL in the manner of healthchecks.io that is told of each run: URL/start when it starts, URL "
        "when it has succeeded, URL/fail when it has not, with ?rid= made from the run id. It may hold ${NAME}, a "
        "variable of the environment, or be {file: PATH}. null: none.",
        examples=["https://hc-ping.com/${PING_KEY}/backup"],
    )
    notify: NotifyKeys = Field(
        NotifyKeys(),
        description="Which targets, named under notify at the top of the file, are told of this job's runs. What a job "
        "does not say here is taken from defaults; [] tells nobody.",
        examples=[{"on_failure": ["ops"], "on_missed": ["ops"]}],
    )
