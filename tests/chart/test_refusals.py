"""Values that must be refused before anything is installed, and what Helm says then."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import CHART, Refused, render

HELLO = {"every": "5s", "shell": "date"}


def _job(**keys: Any) -> dict[str, Any]:
    return {"config": {"jobs": {"hello": {**HELLO, **keys}}}}


def _lease(**keys: Any) -> dict[str, Any]:
    return {"config": {"lease": keys}}


MISTAKES_OF_THE_TABLE = [
    (_job(evry="5s"), "at '/config/jobs/hello': additional properties 'evry' not allowed"),
    (_job(every=5), "at '/config/jobs/hello/every': value must be 'whole seconds such as 30s, 5m or 1h30m'"),
    (_job(every="5 minutes"), "at '/config/jobs/hello/every': value must be 'whole seconds such as"),
    (_job(cron="0 3 * * *"), "at '/config/jobs/hello/cron': value must be 'only one of cron, every, at, manual'"),
    (
        _job(overlap="Forbid"),
        "at '/config/jobs/hello/overlap': value must be one of 'skip', 'queue', 'replace', 'allow'",
    ),
    (
        _job(timezone="Europe/Berln"),
        "at '/config/jobs/hello/timezone': value must be 'an IANA name",
    ),
    (
        {"config": {"jobs": {"Nightly_Report": HELLO}}},
        "at '/config/jobs': additional properties 'Nightly_Report' not allowed",
    ),
    (
        {"config": {"jobs": {"hello": {"every": "5s"}}}},
        "at '/config/jobs/hello': missing property 'one of python, shell",
    ),
    ({"config": {"jobs": ["hello"]}}, "at '/config/jobs': got array, want object"),
    ({"config": {"job": {}}}, "at '/config': additional properties 'job' not allowed"),
    (
        {"config": {"revision": 2}},
        "at '/config/revision': value must be 'Not set here: a release that is rolled back would be taken for",
    ),
    (
        {"config": {"jobs": {"pay": {"every": "5s", "python": {"call": "a:b", "args": [9007199254740993]}}}}},
        "at '/config/jobs/pay/python/args/0': maximum: got 9.007199254740992",
    ),
    (
        {"config": {"jobs": {"pay": {"every": "5s", "python": {"call": "a:b", "kwargs": {"a": {"b": -(10**19)}}}}}}},
        "at '/config/jobs/pay/python/kwargs/a/b': minimum: got -1",
    ),
]

MISTAKES_OF_THE_CHART = [
    ({"replicas": 3}, "additional properties 'replicas' not allowed"),
    ({"image": {"tga": "1"}}, "at '/image': additional properties 'tga' not allowed"),
    ({"image": {"tag": 1.10}}, "at '/image/tag': got number, want null or string"),
    ({"image": {"digest": "sha256:abc"}}, "at '/image/digest': 'sha256:abc' does not match pattern"),
    ({"replicaCount": "three"}, "at '/replicaCount': got string, want null or integer"),
    ({"env": {"TOKEN": {"secretKeyRef": {}}}}, "at '/env/TOKEN': additional properties 'secretKeyRef' not allowed"),
    ({"env": {"1ST": "x"}}, "at '/env': additional properties '1ST' not allowed"),
    ({"env": {"ID": 2**60}}, "at '/env/ID': maximum: got 1.15"),
    ({"files": {"jobs/mail.py": ""}}, "at '/files': additional properties 'jobs/mail.py' not allowed"),
    ({"files": {"..mail.py": ""}}, "at '/files': additional properties '..mail.py' not allowed"),
    ({"podDisruptionBudget": {"maxUnavailable": "150%"}}, "at '/podDisruptionBudget/maxUnavailable': '150%' does not"),
    ({"maxSurge": "00%"}, "at '/maxSurge': '00%' does not match pattern"),
    ({"podLabels": {"on": True}}, "at '/podLabels/on': got boolean, want string"),
    (
        {"serviceAccount": {"tokenExpirationSeconds": 60}},
        "at '/serviceAccount/tokenExpirationSeconds': minimum: got 60",
    ),
    (
        {"metrics": {"rules": {"TicksLost": {"window": "an hour"}}}},
        "at '/metrics/rules/TicksLost/window': 'an hour' does",
    ),
    ({"metrics": {"rules": {"selector": "{}"}}}, "at '/metrics/rules/selector': '{}' does not match pattern"),
    ({"config": None}, "missing property 'config'"),
]

CONTRADICTIONS = [
    (
        {"replicaCount": 0},
        "replicaCount: with 0 nothing runs. To stop for a while: kubectl scale; to leave the number to others: null",
    ),
    (
        _lease(renew_deadline="15s"),
        "lease_duration (15s) must exceed renew_deadline (15s): lease_duration > renew_deadline > 1.2 x retry_period",
    ),
    (_lease(lease_duration="8s"), "config.lease: lease_duration (8s) must exceed renew_deadline (10s)"),
    (_lease(retry_period="9s"), "config.lease: renew_deadline (10s) must exceed 1.2 x retry_period (9s)"),
    (
        {"terminationGracePeriodSeconds": 74},
        "terminationGracePeriodSeconds: expected at least config.lease.drain_timeout (60s) + 15 s, got 74",
    ),
    (
        {"podDisruptionBudget": {"maxUnavailable": 0}},
        "podDisruptionBudget.maxUnavailable: with 0 no node could ever be drained",
    ),
    ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, "podDisruptionBudget.maxUnavailable: with 0 no node"),
    (
        {"maxSurge": 0},
        "maxSurge: with 0 no pod could ever be replaced, as none goes before its successor is ready; write 1",
    ),
    ({"env": {"POD_NAME": "me"}}, "env.POD_NAME: the name is taken by a variable that the chart sets"),
    (
        {"extraEnv": [{"name": "LEASEBEAT_CONFIG"}]},
        "extraEnv: LEASEBEAT_CONFIG is taken by a variable that the chart sets",
    ),
    ({"env": {"A": "1"}, "extraEnv": [{"name": "A"}]}, "extraEnv: A is taken by env.A; keep one of them"),
    ({"extraEnv": [{"name": "A"}, {"name": "A"}]}, "extraEnv: A is taken by another entry of extraEnv"),
    ({"podLabels": {"app.kubernetes.io/name": "x"}}, "podLabels: app.kubernetes.io/name selects this release's pods"),
    ({"commonLabels": {"app.kubernetes.io/instance": "x"}}, "commonLabels: app.kubernetes.io/instance selects"),
    (
        {"existingConfigMap": "mine", **_job()},
        "config.jobs: has no effect beside existingConfigMap; write it in mine, under the key config.yaml",
    ),
    ({"files": {"config.yaml": "jobs: {}"}}, "files: config.yaml is made from `config`"),
    (
        {"metrics": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}},
        "metrics: podMonitor and serviceMonitor would have each pod scraped twice, so that two seem to lead",
    ),
    (
        {"metrics": {"podMonitor": {"enabled": True}}, "config": {"health": {"port": 0}}},
        "config.health.port: with 0 there is nothing to scrape",
    ),
    (
        {"metrics": {"rules": {"enabled": True}}},
        "metrics.rules: no series has the labels that they ask for; enable metrics.podMonitor, or say in",
    ),
]


@pytest.mark.parametrize(("values", "says"), [*MISTAKES_OF_THE_TABLE, *MISTAKES_OF_THE_CHART, *CONTRADICTIONS])
def test_refused_with_the_place_and_what_was_expected(values: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as refused:
        render(values)

    assert says in str(refused.value)


@pytest.mark.parametrize("store", ["sqlite", "memory"])
def test_a_store_that_pods_do_not_share_is_refused_because_each_would_lead(store: str) -> None:
    with pytest.raises(Refused, match="at '/config/lease/store': value must be one of 'auto', 'kubernetes'"):
        render(_lease(store=store))


def test_a_refusal_fits_the_screen() -> None:
    with pytest.raises(Refused) as refused:
        render({"config": {"timezone": "Europe/Berln"}})

    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "values",
    [{key: None} for key in ("affinity", "env", "extraEnv", "files", "podLabels", "commonLabels", "podAnnotations")]
    + [
        {key: None}
        for key in ("resources", "startupProbe", "securityContext", "podSecurityContext", "imagePullSecrets")
    ]
    + [{"config": {"jobs": None}}, {"image": {"tag": None}}, {"global": {"imagePullSecrets": None}}],
)
def test_null_takes_a_default_away(values: dict[str, Any]) -> None:
    assert render(values).one("Deployment")


def test_the_schema_needs_no_other_file() -> None:
    text = (CHART / "values.schema.json").read_text()

    assert all(line.split('"')[3].startswith("#/") for line in text.splitlines() if '"$ref"' in line)
