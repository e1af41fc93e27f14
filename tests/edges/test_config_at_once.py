"""All that is wrong with the parts of one value is told at once, each part in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduler.core.errors import ConfigError
from tests.edges.config_text import loaded

EVERYTHING_WRONG_IN_ONE_VALUE = {
    "placeholders of a template": (
        """\
notify:
  ops:
    webhook: "http://a"
    template:
      text: "{jbo} and {jbo} and }"
      blocks: [{text: "{nonsense}"}]
jobs: {a: {every: 1m, shell: ls}}
""",
        ["{jbo}", "{jbo}", "}", "{nonsense}"],
    ),
    "placeholders of a text over many lines": (
        """\
notify:
  ops:
    webhook: "http://a"
    template:
      text: |
        {jbo}
        {nonsense}
jobs: {a: {every: 1m, shell: ls}}
""",
        ["|", "|"],
    ),
    "words of a container": (
        "jobs: {a: {every: 1m, kubernetes_job: {image: x, command: [5, a, true], args: [1.5, '${A}']}}}",
        ["5", "true", "1.5", "'${A}'"],
    ),
    "words of a command": ("jobs: {a: {every: 1m, shell: [head, -n, 5, on, true, '${A}']}}", ["5", "true", "'${A}'"]),
    "statuses": (
        "jobs: {a: {every: 1m, http: {url: http://a, expect: [ok, 200, 999, 300-200]}}}",
        ["ok", "999", "300-200"],
    ),
    "variables of a body": (
        "jobs: {a: {every: 1m, http: {url: http://a, body: {a: $A, b: [x, '${a b}'], c: {d: $(C)}}}}}",
        ["$A", "${a b}", "$(C)"],
    ),
    "amounts": (
        "jobs: {a: {every: 1m, kubernetes_job: {image: x, resources: {limit: {}, requests: {cpu: a, memory: 1GB}}}}}",
        ["limit", "a", "1GB"],
    ),
    "names of targets": ("jobs: {a: {every: 1m, shell: ls, notify: {on_failure: [5, true]}}}", ["5", "true"]),
    "unknown targets in the defaults": (
        "defaults: {notify: {on_failure: [one, two]}}\njobs: {a: {every: 1m, shell: ls}}",
        ["one", "two"],
    ),
}


@pytest.mark.parametrize(
    ("text", "marked"), EVERYTHING_WRONG_IN_ONE_VALUE.values(), ids=EVERYTHING_WRONG_IN_ONE_VALUE.keys()
)
def test_all_that_is_wrong_with_one_value_is_told_at_once(tmp_path: Path, text: str, marked: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text)

    spans = ((problem.source or "", *(problem.span or (1, 1))) for problem in refused.value.problems)
    assert [source[start - 1 : end - 1] for source, start, end in spans] == marked
