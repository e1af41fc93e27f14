"""What the chart makes for Prometheus and Grafana, when asked to."""

from __future__ import annotations

import json
from typing import Any

from tests.chart.rendering import CHART, EVERYTHING, render
from tests.fakes.alert_rules import alerts

SELECTOR = {"app.kubernetes.io/name": "leasebeat", "app.kubernetes.io/instance": "beat"}
ENDPOINT = {
    "port": "health",
    "path": "/metrics",
    "honorLabels": True,  # `job` is ours
    "relabelings": [{"action": "replace", "targetLabel": "lease", "replacement": "beat-leasebeat"}],
}
POD_MONITOR: dict[str, Any] = {"podMonitor": {"enabled": True}}


def test_nothing_of_it_is_made_unless_asked_for() -> None:
    kinds = [found["kind"] for found in render().objects]

    assert not {"PodMonitor", "ServiceMonitor", "PrometheusRule", "Service"} & set(kinds)
    assert kinds.count("ConfigMap") == 1


def test_a_pod_monitor_has_every_pod_of_this_release_scraped() -> None:
    rendered = render({"metrics": POD_MONITOR})
    labels = rendered.template["metadata"]["labels"]

    assert rendered.one("PodMonitor")["spec"] == {
        "selector": {"matchLabels": SELECTOR},
        "podMetricsEndpoints": [ENDPOINT],
    }
    assert labels.items() >= SELECTOR.items()
    assert [port["name"] for port in rendered.container["ports"]] == ["health"]
    assert not rendered.all("Service")


def test_a_service_monitor_has_the_same_done_through_a_service_without_an_address() -> None:
    rendered = render({"metrics": {"serviceMonitor": {"enabled": True}}, "config": {"health": {"port": 9000}}})
    service = rendered.one("Service")

    assert rendered.one("ServiceMonitor")["spec"] == {"selector": {"matchLabels": SELECTOR}, "endpoints": [ENDPOINT]}
    assert service["metadata"]["labels"].items() >= SELECTOR.items()
    assert service["spec"] == {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": SELECTOR,
        "ports": [{"name": "health", "port": 9000, "targetPort": "health"}],
    }


def test_the_rules_are_those_that_promtool_has_tried_with_the_labels_that_the_monitors_give() -> None:
    rule = render({"metrics": {"rules": {"enabled": True}, **POD_MONITOR}}).one("PrometheusRule")
    (group,) = rule["spec"]["groups"]

    assert group["name"] == "leasebeat ops/beat-leasebeat"
    assert group["rules"] == alerts()


def test_thresholds_severities_and_the_runbook_are_the_values_and_what_is_disabled_is_left_out() -> None:
    (group,) = render(file=EVERYTHING).one("PrometheusRule")["spec"]["groups"]
    rules = {rule["alert"]: rule for rule in group["rules"]}
    lost = rules["TicksLost"]

    assert "ConfigMismatch" not in rules
    assert lost["expr"].endswith("> 9")
    assert "[2h] offset 2h" in lost["expr"]
    assert 'namespace="shop",pod=~"beat-.*"' in lost["expr"]
    assert (lost["for"], lost["labels"]["severity"], lost["labels"]["lease"]) == ("1m", "ticket", "shop-beat")
    assert lost["annotations"]["runbook_url"] == "https://wiki.example.com/beat#tickslost"
    assert "{{ $labels.job }} were" in lost["annotations"]["summary"]
    assert "in 2h:" in lost["annotations"]["summary"]


def test_the_dashboard_is_found_by_its_label_and_is_the_file_as_it_is() -> None:
    found = render({"metrics": {"dashboard": {"enabled": True}}}).all("ConfigMap")
    (dashboard,) = [one for one in found if one["metadata"]["name"] == "beat-leasebeat-dashboard"]
    file = (CHART / "files" / "dashboard.json").read_text()

    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["leasebeat.json"]) == json.loads(file)


def test_the_network_policy_lets_prometheus_in_where_it_lets_in_those_it_names() -> None:
    policy = {"networkPolicy": {"enabled": True}, "metrics": POD_MONITOR}
    (anyone,) = render(policy).one("NetworkPolicy")["spec"]["ingress"]

    assert anyone == {"ports": [{"port": 8080, "protocol": "TCP"}]}
