"""The JSON Schema says what loading says, as far as a schema can: `told` holds every file against both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from scheduler.config.document import Source, content
from scheduler.config.models.actions import CeleryKeys, HttpKeys, KubernetesJobKeys, PythonKeys, ShellKeys
from scheduler.config.models.file import FileKeys, JobKeys
from scheduler.config.models.policies import NotifyKeys, PolicyKeys
from scheduler.config.models.settings import HealthKeys, HookKeys, HooksKeys, LeaseKeys, LoggingKeys, TargetKeys
from scheduler.config.models.strict import Strict
from scheduler.config.schema import map_schema, schema
from scheduler.config.text.reading import read_document
from scheduler.core.timing.zones import zone_names
from tests.edges.config_text import told

ROOT = Path(__file__).parents[2]
SCHEMA = schema()
VALIDATOR = Draft7Validator(SCHEMA)
MODELS: list[type[Strict]] = [
    *(FileKeys, LeaseKeys, HooksKeys, HookKeys, LoggingKeys, HealthKeys, TargetKeys, PolicyKeys, NotifyKeys, JobKeys),
    *(PythonKeys, ShellKeys, HttpKeys, KubernetesJobKeys, CeleryKeys),
]


def content_of(text: str) -> Any:
    """What the text stands for, as a schema sees it."""
    return content(read_document(Source("config.yaml", text)).root)


def accepts(text: str) -> bool:
    """Whether the schema finds nothing wrong with what the text stands for."""
    return bool(VALIDATOR.is_valid(content_of(text)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema in the schema, and every map in one."""
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from objects(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from objects(inner)


def test_it_is_a_schema_of_draft_07_and_plain_json() -> None:
    Draft7Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("model", MODELS)
def test_every_key_has_a_description_and_an_example_and_no_other_is_allowed(model: type[Strict]) -> None:
    place = map_schema(model)
    said = {
        key: bool(keys.get("description")) and bool(keys.get("examples")) for key, keys in place["properties"].items()
    }

    assert said == dict.fromkeys(model.model_fields, True)
    assert place["additionalProperties"] is False


@pytest.mark.parametrize("model", MODELS)
def test_a_description_names_every_choice_and_every_limit(model: type[Strict]) -> None:
    unsaid = []
    for key, said in map_schema(model)["properties"].items():
        named = [*said.get("enum", ()), *(said.get(limit, "") for limit in ("minimum", "maximum"))]
        words = set(re.findall(r"[\w]+", said["description"]))
        unsaid += [(key, word) for word in named if str(word) and str(word) not in words]

    assert [fact for fact in unsaid if fact not in {("version", 1), ("port", 0), ("revision", 0)}] == []


def test_no_word_stands_beside_a_reference_where_draft_07_would_not_read_it() -> None:
    assert [node for node in objects(SCHEMA) if "$ref" in node and len(node) > 1] == []


def test_patterns_are_for_python_javascript_and_go() -> None:
    """Go looks neither ahead nor back and has no groups with a name, JavaScript has no flags inside a pattern."""
    patterns = [node["pattern"] for node in objects(SCHEMA) if isinstance(node.get("pattern"), str)]

    assert len(patterns) > 20
    assert [pattern for pattern in patterns if "(?" in pattern or r"\Z" in pattern] == []


def test_no_list_is_empty_which_the_metaschema_of_editors_refuses() -> None:
    lists = [node[key] for node in objects(SCHEMA) for key in ("enum", "anyOf", "allOf", "examples") if key in node]

    assert [item for item in lists if not item] == []


def test_a_time_zone_is_any_that_loading_knows_and_editors_have_the_list() -> None:
    form, names = SCHEMA["definitions"]["leasebeat-time-zone"]["anyOf"]

    assert names["enum"] == list(zone_names())
    assert [name for name in zone_names() if not re.search(form["pattern"], name)] == []
    assert [
        name for name in ("", "UTC ", "Europe/Berln", "GMT1", "EtcXGMT+1") if re.search(form["pattern"], name)
    ] == []


def test_defaults_are_written_as_the_file_would() -> None:
    keys = {**map_schema(JobKeys)["properties"], **map_schema(LeaseKeys)["properties"]}
    asked = ("timeout", "claim_ahead", "lease_duration", "release", "overlap", "every")
    stated = [keys[key].get("default", "none stated") for key in asked]

    assert stated == ["1h", "auto", "15s", "at_once", "skip", "none stated"]


@pytest.mark.parametrize("key", [key for key, said in map_schema(JobKeys)["properties"].items() if "default" in said])
def test_a_default_may_be_written_down(tmp_path: Path, key: str) -> None:
    default = json.dumps(map_schema(JobKeys)["properties"][key]["default"])

    assert told(tmp_path, f"jobs: {{a: {{every: 1h, shell: ls, {key}: {default}}}}}") == ""


LS = "jobs: {a: {every: 5m, shell: ls}}"
BOTH_REFUSE = {
    "no jobs": "timezone: UTC",
    "an empty table": "jobs: {}",
    "an unknown key": "jobs: {a: {every: 5m, shell: ls, zebra: 1}}",
    "another scheduler's word": "jobs: {a: {every: 5m, shell: ls, overlap: Forbid}}",
    "a word for a duration": "jobs: {a: {every: 5m, shell: ls, claim_ahead: none}}",
    "no interruption at all": "jobs: {a: {every: 5m, shell: ls, max_interruptions: 0}}",
    "another way to release": "lease: {release: drain}\njobs: {a: {every: 5m, shell: ls}}",
    "no schedule": "jobs: {a: {shell: ls}}",
    "two schedules": "jobs: {a: {every: 5m, manual: true, shell: ls}}",
    "no action": "jobs: {a: {every: 5m}}",
    "two actions": "jobs: {a: {every: 5m, shell: ls, python: a:b}}",
    "an offset alone": "jobs: {a: {manual: true, offset: 1m, shell: ls}}",
    "a bad name": "jobs: {Nightly: {every: 5m, shell: ls}}",
    "a long name": f"jobs: {{{'a' * 53}: {{every: 5m, shell: ls}}}}",
    "a number for a duration": "jobs: {a: {every: 300, shell: ls}}",
    "no duration": "jobs: {a: {every: 1:30, shell: ls}}",
    "an empty duration": 'jobs: {a: {every: "", shell: ls}}',
    "milliseconds of a period": "jobs: {a: {every: 500ms, shell: ls}}",
    "manual: false": "jobs: {a: {manual: false, shell: ls}}",
    "yes": "jobs: {a: {every: 5m, shell: ls, enabled: yes}}",
    "too many retries": "jobs: {a: {every: 5m, shell: ls, retries: 11}}",
    "null for a key": "jobs: {a: {every: 5m, shell: ls, python: null}}",
    "no function": "jobs: {a: {every: 5m, python: a.b.c}}",
    "no call": "jobs: {a: {every: 5m, python: {args: [1]}}}",
    "an empty command": 'jobs: {a: {every: 5m, shell: " "}}',
    "a command of numbers": "jobs: {a: {every: 5m, shell: [ls, 1]}}",
    "a number in the environment": "jobs: {a: {every: 5m, shell: {run: ls, env: {A: 1}}}}",
    "a reference without a name": 'jobs: {a: {every: 5m, shell: {run: ls, env: {A: "x${}"}}}}',
    "a reference with a default": 'jobs: {a: {every: 5m, shell: {run: ls, env: {A: "${B:-c}"}}}}',
    "a reference as a shell has it": "jobs: {a: {every: 5m, shell: {run: ls, env: {A: $B}}}}",
    "a Secret": "jobs: {a: {every: 5m, shell: {run: ls, env: {A: {secret: a/b}}}}}",
    "a file without a name": 'jobs: {a: {every: 5m, shell: {run: ls, env: {A: {file: ""}}}}}',
    "a variable with a dash": "jobs: {a: {every: 5m, shell: {run: ls, env: {a-b: x}}}}",
    "a Lease's bad name": "lease: {name: A_B}\njobs: {a: {every: 5m, shell: ls}}",
    "a date without a time": "jobs: {a: {at: 2026-12-01, shell: ls}}",
    "a date that no month has": "jobs: {a: {at: 2026-11-31T00:00:00, shell: ls}}",
    "a nineteenth century": "jobs: {a: {at: 1899-01-01T00:00:00, shell: ls}}",
    "a zone by another name": "timezone: Berlin\njobs: {a: {every: 5m, shell: ls}}",
    "a period of nothing": "jobs: {a: {every: 0h0s, shell: ls}}",
    "a timeout of nothing": "jobs: {a: {every: 5m, timeout: 0ms, shell: ls}}",
    "four fields": "jobs: {a: {cron: 0 3 * *, shell: ls}}",
    "seven fields": "jobs: {a: {cron: 0 0 3 * * * 2026, shell: ls}}",
    "a letter that no cron has": "jobs: {a: {cron: 0 3 * * §, shell: ls}}",
    "an endless cron": f"jobs: {{a: {{cron: '{'0,' * 500}0 3 * * *', shell: ls}}}}",
    "a file for a function": "jobs: {a: {every: 5m, python: jobs/mail.py:send}}",
    "a function that begins with a digit": "jobs: {a: {every: 5m, python: jobs:1st}}",
    "a retry of what must not run twice": "jobs: {a: {every: 5m, shell: ls, delivery: at_most_once, retries: 1}}",
    "an environment for a thread": "jobs: {a: {every: 5m, python: {call: a:b, isolation: thread, env: {A: x}}}}",
    "a thread to be replaced": "jobs: {a: {every: 5m, overlap: replace, python: {call: a:b, isolation: thread}}}",
    "no port": "health: {port: 70000}\njobs: {a: {every: 5m, shell: ls}}",
    "a variable in a path": "lease: {path: '${HOME}/a'}\njobs: {a: {every: 5m, shell: ls}}",
    "a bare variable": "jobs: {a: {every: 5m, shell: {run: ls, env: {A: $B}}}}",
    "half a reference": "jobs: {a: {every: 5m, shell: {run: ls, env: {A: '${B'}}}}",
    "a reference to a secret": "jobs: {a: {every: 5m, shell: {run: ls, env: {A: {secret: a/b}}}}}",
    "a reference in a list of words": "jobs: {a: {every: 5m, shell: [ls, '${B}']}}",
    "no program in a list": "jobs: {a: {every: 5m, shell: ['', a]}}",
    "no URL": "jobs: {a: {every: 5m, http: crm/sync}}",
    "a URL of another kind": "jobs: {a: {every: 5m, http: {url: 'ftp://crm/sync'}}}",
    "a file for the short form of a request": "jobs: {a: {every: 5m, http: {file: url}}}",
    "a method in small letters": "jobs: {a: {every: 5m, http: {url: 'https://x', method: post}}}",
    "a header of ours": "jobs: {a: {every: 5m, http: {url: 'https://x', headers: {idempotency-KEY: a}}}}",
    "a header with a space": "jobs: {a: {every: 5m, http: {url: 'https://x', headers: {'a b': a}}}}",
    "a status beyond all": "jobs: {a: {every: 5m, http: {url: 'https://x', expect: 600}}}",
    "a word for a status": "jobs: {a: {every: 5m, http: {url: 'https://x', expect: [OK]}}}",
    "no status at all": "jobs: {a: {every: 5m, http: {url: 'https://x', expect: []}}}",
    "a body that is half a reference": "jobs: {a: {every: 5m, http: {url: 'https://x', body: '${A'}}}",
    "no image": "jobs: {a: {every: 5m, kubernetes_job: {command: [a]}}}",
    "an image with a space": "jobs: {a: {every: 5m, kubernetes_job: 'a b'}}",
    "an image beside a template": "jobs: {a: {every: 5m, kubernetes_job: {image: a, template: {spec: {template: "
    "{spec: {containers: [{name: a, image: b}]}}}}}}}",
    "a template without containers": "jobs: {a: {every: 5m, kubernetes_job: {template: {spec: {template: "
    "{spec: {containers: []}}}}}}}",
    "a template of a Job": "jobs: {a: {every: 5m, kubernetes_job: {template: {kind: Job, spec: {template: "
    "{spec: {containers: [{name: a, image: b}]}}}}}}}",
    "a template that starts again and again": "jobs: {a: {every: 5m, kubernetes_job: {template: {spec: {template: "
    "{spec: {restartPolicy: Always, containers: [{name: a, image: b}]}}}}}}}",
    "a template with a name": "jobs: {a: {every: 5m, kubernetes_job: {template: {metadata: {name: a}, spec: "
    "{template: {spec: {containers: [{name: a, image: b}]}}}}}}}",
    "a command for a shell in a pod": "jobs: {a: {every: 5m, kubernetes_job: {image: a, command: ./a}}}",
    "a reference in a command of a pod": "jobs: {a: {every: 5m, kubernetes_job: {image: a, args: ['${A}']}}}",
    "a Secret without a key": "jobs: {a: {every: 5m, kubernetes_job: {image: a, env: {A: {secret: b}}}}}",
    "an amount with a unit of its own": "jobs: {a: {every: 5m, kubernetes_job: {image: a, resources: {limits: "
    "{memory: 1GB}}}}}",
    "an account in capitals": "jobs: {a: {every: 5m, kubernetes_job: {image: a, service_account: A}}}",
    "half a second's keep": "jobs: {a: {every: 5m, kubernetes_job: {image: a, ttl: 500ms}}}",
    "no task": "jobs: {a: {every: 5m, celery: {broker: 'redis://a'}}}",
    "a task's own id": "jobs: {a: {every: 5m, celery: {task: a, broker: 'redis://a', options: {task_id: a}}}}",
    "a task to be replaced": "jobs: {a: {every: 5m, overlap: replace, celery: {task: a, broker: 'redis://a'}}}",
    "a target without an address": f"notify: {{a: {{}}}}\n{LS}",
    "a target's bad name": f"notify: {{A: {{webhook: 'https://a'}}}}\n{LS}",
    "a target's other template": f"notify: {{a: {{webhook: 'https://a', template: slak}}}}\n{LS}",
    "one target, not a list": "jobs: {a: {every: 5m, shell: ls, notify: {on_failure: a}}}",
    "no ping": "jobs: {a: {every: 5m, shell: ls, ping: hc}}",
    "quiet": "jobs: {a: {every: 5m, shell: ls, output: quiet}}",
    "a hook without an action": f"lease: {{hooks: {{started: {{}}}}}}\n{LS}",
    "a hook with two actions": f"lease: {{hooks: {{started: {{shell: a, http: 'https://a'}}}}}}\n{LS}",
    "a hook in a thread": f"lease: {{hooks: {{started: {{python: {{call: 'a:b', isolation: thread}}}}}}}}\n{LS}",
    "a hook that is null": f"lease: {{hooks: {{started: null}}}}\n{LS}",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in BOTH_REFUSE.items()])
def test_both_refuse(tmp_path: Path, text: str) -> None:
    assert (accepts(text), told(tmp_path, text) == "") == (False, False)


Values = dict[str, list[Any]]  # keys, and values that each of them may have

DURATIONS = ["1s", "30s", "5m", "1h30m", "1d2h"]
SCHEDULES: Values = {
    "every": DURATIONS,
    "cron": ["0 3 * * *", "@daily", "H H * * *", "*/5 * * * * *", "0 0 L * *"],
    "at": ["2026-12-01T02:00:00", "2026-12-01T02:00", "2026-12-01T02:00:00Z", "2026-12-01T02:00+01:00"],
    "manual": [True],
}
_C = {"name": "a", "image": "b", "args": ["${x}"]}
ACTIONS: Values = {
    "python": [
        *("a:b", "a.b:C.d", {"call": "a:b"}, {"call": "a:b", "isolation": "thread"}),
        {"call": "a:b", "args": [1, None], "kwargs": {"x": {"y": [1.5]}}, "env": {"A_1": ""}},
    ],
    "shell": [
        "ls",
        ["ls", "-l", ""],
        {"run": "ls", "cwd": None},
        {"run": ["ls"], "cwd": "/", "env": {"A": "5$", "B": "$${X}$$", "C": {"file": "x"}}},
    ],
    "http": [
        *("https://x", "http://[::1]:80/a?b#c", {"url": {"file": "x"}}),
        {"url": "HTTPS://x", "method": "GET", "headers": {"X-A": "b", "Host": {"file": "x"}}, "redirects": True},
        {"url": "https://x", "body": {"file": "x"}, "expect": "2xx"},
        {"url": "https://x", "body": [{"a": None, "b": "$$"}, 1, "x"], "expect": [200, "300-399", "4XX"]},
        {"url": "https://x", "body": None, "expect": 204},
        {"url": "https://x", "body": 5},
    ],
    "kubernetes_job": [
        *("a", "a.b:5000/c/d@sha256:0", {"image": "a", "template": {}, "ttl": "none", "wait": False}),
        {"image": "a", "command": ["b"], "args": [], "env": {"A": {"secret": "b/C"}, "B": {"file": "x"}, "C": "$$"}},
        {"image": "a", "resources": {"limits": {"cpu": 0.5, "memory": "1.5Gi"}}, "service_account": None, "ttl": "1h"},
        {"template": {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}}, "ttl": "1d"},
        {"template": {"metadata": None, "spec": {"template": {"spec": {"restartPolicy": None, "containers": [_C]}}}}},
    ],
    "celery": [
        {"task": "a.b", "broker": "redis://x", "args": [1], "kwargs": {"x": None}, "options": {"queue": "y"}},
        {"task": "a", "broker": {"file": "x"}},
    ],
}
POLICIES: Values = {
    "overlap": ["skip", "queue", "replace", "allow"],
    "catch_up": ["none", "latest", "all"],
    "catch_up_window": ["1h", "90s", "1d500ms"],
    "max_catch_up": [1, 1000],
    "delivery": ["at_least_once", "at_most_once"],
    "timeout": ["none", "500ms", "1h"],
    "retries": [0, 10],
    "retry_delay": ["0s", "5m"],
    "max_interruptions": [1, 100],
    "claim_ahead": ["auto", "0s", "1s500ms"],
    "jitter": ["0s", "500ms"],
    "output": ["log", "tail", "none"],
    "ping": [None, "https://x/y", {"file": "x"}],
    "notify": [{}, {"on_failure": [], "on_missed": ["ops"]}, {"on_success": ["ops", "own"]}],
}
LEASE: Values = {
    "store": ["auto", "kubernetes", "sqlite", "memory"],
    "name": ["a", "a.b-c", "0"],
    "namespace": [None, "ops"],
    "adopt": [True, False],
    "path": ["beat.db"],
    "lease_duration": ["15s", "1m"],
    "renew_deadline": ["5s"],
    "retry_period": ["1s"],
    "release": ["at_once", "drained"],
    "quiet_start": [True],
    "drain_timeout": ["0s", "1h"],
    "hooks": [{}, {"started": {"shell": "a"}}, {"stopped": {"python": "a:b"}, "new_leader": {"http": "https://x"}}],
}
LOGGING: Values = {"level": ["debug", "info", "warning", "error"], "format": ["text", "json"]}
HEALTH: Values = {"port": [0, 8080, 65535], "page": [True, False]}
TARGETS = {"ops": {"webhook": "https://x"}, "own": {"webhook": {"file": "x"}, "template": {"a": ["{job}"]}}}
TOP: Values = {"version": [1], "timezone": ["UTC", "America/New_York"], "revision": [0, 7], "max_parallel": [1, 1000]}


def some(values: Values) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the keys, each with one of its values."""
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(those) for key, those in values.items()})


def one(values: Values) -> st.SearchStrategy[dict[str, Any]]:
    """One of the keys with one of its values."""
    return st.sampled_from([{key: value} for key, those in values.items() for value in those])


jobs = st.builds(
    lambda *parts: dict(pair for part in parts for pair in part.items()), one(SCHEDULES), one(ACTIONS), some(POLICIES)
)
tables = st.builds(
    lambda job, defaults, lease, logging, health, top: {
        "jobs": {"a": job},
        "notify": TARGETS,
        "defaults": defaults,
        "lease": lease,
        "logging": logging,
        "health": health,
        **top,
    },
    *(jobs, some(POLICIES), some(LEASE), some(LOGGING), some(HEALTH), some(TOP)),
)


def near(good: Values, bad: Values) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the keys, most of them with values that they may have."""
    pools = {key: [*those * 3, *bad.get(key, ()), *NEVER] for key, those in good.items()}
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(those) for key, those in pools.items()})


NEVER = [None, [], {}, "", 1.5, {"file": "a"}, "${HOME}"]
BAD: Values = {
    **{
        key: ["5", 5, "1:30", "m", "-1s"]
        for key in ("catch_up_window", "retry_delay", "jitter", "timeout", "claim_ahead")
    },
    **{
        key: ["Forbid", "ALL", True]
        for key in ("overlap", "catch_up", "delivery", "level", "format", "store", "release")
    },
    **{
        key: [-1, 10**19, "1", True]
        for key in ("retries", "max_catch_up", "max_interruptions", "max_parallel", "revision")
    },
    **{key: ["500ms", "1s500ms", 15, "15"] for key in ("lease_duration", "renew_deadline", "drain_timeout")},
    **{key: ["A", "a_b", "-a", "a" * 254, "a/b"] for key in ("name", "namespace", "path")},
    **{key: ["yes", 1, False] for key in ("adopt", "quiet_start", "enabled", "manual")},
    "timezone": ["Berlin", "UTC+1", "CEST"],
    "cron": ["* * * *", "@reboot", "60 * * * *", "* * * * * * *", "x"],
    "every": ["0s", "1ms", 60],
    "at": ["2026-12-01", "2026-13-01T00:00:00", "2026-12-01T24:00:00", "tomorrow"],
    "offset": ["1ms", "5m"],
    "port": [-1, 65536, "8080", True],
    "python": [
        "a.b",
        "a:b c",
        {"call": 1},
        {"args": []},
        {"call": "a:b", "env": {"A-B": "x"}},
        {"call": "a:b", "x": 1},
    ],
    "http": ["x", "ftp://x", {"url": "https://"}, {"body": 1}, {"url": "https://x", "expect": ["a", 99, True]}],
    "kubernetes_job": ["", "a b", {"image": "a", "env": {"A": {"secret": 1}}}, {"template": {"spec": {}}}, {"wait": 1}],
    "celery": ["", 1, {"task": 1}, {"task": "a", "options": {"task_id": 1}}, {"task": "a", "broker": "$A"}],
    "ping": ["x", 1, "https:///x"],
    "notify": [1, {"on_failure": "ops"}, {"on_failure": [1]}, {"x": []}],
    "output": ["quiet", True],
    "page": ["no", 0],
    "hooks": [{"started": 1}, {"started": {}}, {"x": {"shell": "a"}}],
    "shell": [" ", 1, [1], [""], {"run": []}, {"run": "ls", "cwd": ""}, {"run": "ls", "env": {"A": "${"}}],
}
WHOLE_JOB: Values = {**SCHEDULES, **ACTIONS, **POLICIES, "timezone": ["UTC"], "enabled": [True], "offset": ["1s"]}


@settings(max_examples=300, deadline=None)
@given(
    job=near(WHOLE_JOB, BAD),
    defaults=near(POLICIES, BAD),
    lease=near(LEASE, BAD),
    logging=near(LOGGING, BAD),
    health=near(HEALTH, BAD),
    top=near(TOP, BAD),
)
def test_the_schema_refuses_what_loading_refuses_where_it_can_see_it(folder: Path, **parts: dict[str, Any]) -> None:
    """`told` fails where the two differ; most of these tables have a mistake or two."""
    job, top = parts.pop("job"), parts.pop("top")
    for key, parent in [("jobs", {"a": job}), *parts.items()]:
        table = {"notify": TARGETS, "jobs": {"a": {"every": "1h", "shell": "ls"}}, key: parent}
        told(folder, json.dumps(table))
    told(folder, json.dumps({"notify": TARGETS, "jobs": {"a": job}, **parts, **top}))


@settings(max_examples=100, deadline=None)
@given(table=tables)
def test_the_schema_accepts_what_loading_accepts(folder: Path, table: dict[str, Any]) -> None:
    refused = told(folder, json.dumps(table)) != ""

    assert VALIDATOR.is_valid(table) or refused


@pytest.mark.parametrize(
    "keys", [pytest.param({key: value}, id=f"{key}: {value}") for key, values in POLICIES.items() for value in values]
)
def test_each_of_these_values_is_accepted_by_both(folder: Path, keys: dict[str, Any]) -> None:
    """So the property above is about tables, and not about their refusal."""
    table = {"notify": TARGETS, "jobs": {"a": {"every": "5m", "shell": "ls", **keys}}}

    assert (told(folder, json.dumps(table)), VALIDATOR.is_valid(table)) == ("", True)


def test_the_schema_beside_the_example_is_todays_to_the_letter() -> None:
    """The example's first line points editors to it; `make schema` makes it anew."""
    written = (ROOT / "config.schema.json").read_text()

    assert written == json.dumps(schema(), indent=2) + "\n"


def test_a_wrong_function_in_a_map_is_one_mistake(tmp_path: Path) -> None:
    """It is not missing as well, only because the wrong one was taken out before the rest is looked at."""
    said = told(tmp_path, "jobs: {a: {every: 5m, python: {call: a b}}}")

    assert said.splitlines()[-1] == "1 error in config.yaml"
