"""A real replica and what it tells others: pings, notifications, hooks and traces of the same runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.core.views.trace import span_id, trace_id
from scheduler.telling.signals.ping import run_uuid
from tests.fakes.receiver import Receiver, receiving
from tests.processes.replica import ReplicaProcess

CONFIG = """
lease:
  hooks:
    started: {shell: 'echo "$LEASEBEAT_HOOK $LEASEBEAT_TERM $LEASEBEAT_HOLDER"'}
    stopped: {http: "URL/ok/stopped"}
notify:
  ops: {webhook: "${OPS_URL}/ok/ops"}
  gone: {webhook: "URL/status/410/s3cret", template: slack}
defaults: {ping: "URL/ok/ping"}
jobs:
  good: {every: 1s, shell: "true", notify: {on_success: [gone]}}
  bad: {every: 1s, shell: "exit 3", notify: {on_failure: [ops]}}
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def replica(tmp_path: Path, receiver: Receiver) -> Iterator[ReplicaProcess]:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.replace("URL/", receiver.url("/")))
    environment = {"OPS_URL": receiver.url(""), "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url("/ok/otel")}
    replica = ReplicaProcess.start("a", config, "--log-level", "debug", environment=environment)
    yield replica
    replica.end()


def test_others_are_told_of_runs_and_of_the_lead(replica: ReplicaProcess, receiver: Receiver) -> None:
    failed = replica.wait_for("run.failed")
    replica.wait_for("run.succeeded")
    gone = replica.wait_for("notify.failed")
    status = replica.stop()
    replica.wait_until_told()
    told = json.loads(receiver.got("/ok/ops")[0]["body"])
    pings = [got["path"] for got in receiver.got("/ok/ping", 4) if got["query"] == f"rid={run_uuid(failed['run'])}"]
    fence = replica.said("lead.acquired")[0]["fence"]
    (stopped,) = receiver.got("/ok/stopped")
    spans = b"".join(got["body"].encode("latin-1") for got in receiver.got("/ok/otel"))

    assert status == 0
    assert (told["event"], told["run"], told["error"]) == ("run.failed", failed["run"], failed["error"])
    assert pings == ["/ok/ping/start", "/ok/ping/fail"]
    assert [line["text"] for line in replica.said("hook.output")] == ["started 1 a"]
    assert (stopped["headers"]["leasebeat-hook"], stopped["headers"]["leasebeat-term"]) == ("stopped", "1")
    assert bytes.fromhex(trace_id(failed["run"], fence)) in spans
    assert bytes.fromhex(span_id(failed["run"], fence, 1)) in spans
    assert (gone["target"], gone["job"], gone["error"]) == ("gone", "good", "status 410 gone")
    assert "s3cret" not in replica.tail(10_000)
    assert replica.said("hook.succeeded", hook="stopped")
    assert replica.lines[-1]["event"] == "app.stopped", "what it has yet to tell others is part of its end"
