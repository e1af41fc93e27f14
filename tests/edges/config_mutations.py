"""Ways to spoil a right config.yaml, as people and broken tools do, and what must hold for whatever comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from scheduler.config.loading import load
from scheduler.config.report import problem_text, problems_text
from scheduler.config.text.passwords import covered
from scheduler.core.errors import ConfigError, Problem
from tests.edges.config_agreement import disagreement
from tests.edges.config_text import LOADED_AT

EXAMPLE = (Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8")

# As many keys and forms as one file can have.
FULL = """\
version: 1
timezone: Europe/Berlin
revision: 3
max_parallel: 4
lease:
  {store: auto, name: beat, lease_duration: 30s, renew_deadline: 20s, retry_period: 4s, release: drained,
  hooks: {started: {shell: ./a}, stopped: {python: "jobs.examples:meter"}, new_leader: {http: "https://${HOST}/x"}}}
health: {port: 0, page: false}
notify:
  ops: {webhook: "https://${HOST}/${TOKEN}", headers: {X-A: "b"}, template: slack}
  own: {webhook: {file: hook}, template: {text: "{job} {event}", n: [1, true]}}
logging:
  level: debug
  format: json
defaults:
  catch_up: all
  jitter: 500ms
  timeout: none
  notify: {on_failure: [ops], on_missed: [ops, own]}
jobs:
  a-cron:
    cron: "H 3 * * MON-FRI"
    timezone: Asia/Tokyo
    overlap: queue
    shell: |
      set -e
      echo "a: b" # not a comment
  unquoted:
    cron: */5 * * * *
    shell: [./purge, --days, "30"]
  an-at: {at: 2027-03-28T03:30:00, python: 'jobs.examples:meter', retries: 2, retry_delay: 10s}
  by-hand:
    manual: true
    enabled: false
    python:
      call: jobs.examples:report
      args: [1, -2.5e3, null, {x: [y]}]
      kwargs: {region: "eu\\u00e9"}
      env: {TOKEN: "${TOKEN}", FILE: {file: token}, PRICE: $$5}
  every:
    every: 1h30m
    offset: 2m
    catch_up_window: 1d
    max_catch_up: 100
    delivery: at_most_once
    claim_ahead: 0s
    shell: {run: date, cwd: null, env: {A: ""}}
  request:
    every: 1m
    output: tail
    ping: https://hc.example/${TOKEN}
    http:
      url: https://${HOST}/sync
      method: PUT
      headers: {Authorization: "Bearer ${TOKEN}", X-File: {file: token}}
      body: {region: eu, keys: ["${TOKEN}", 5, null], price: $$5}
      expect: [2xx, 409, "200-204"]
      redirects: true
  short-request: {every: 1m, http: "https://crm.example/sync", notify: {on_success: [own], on_failure: []}}
  cluster:
    every: 1h
    kubernetes_job:
      image: acme/indexer:4
      command: [./index]
      args: [--all, $(REGION)]
      env: {REGION: eu, TOKEN: {secret: crm/token}, OTHER: "${TOKEN}", FILE: {file: token}}
      resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {cpu: 2}}
      service_account: indexer
      wait: false
      ttl: 2h
  template:
    every: 1h
    kubernetes_job:
      template:
        metadata: {labels: {a: b}}
        spec: {backoffLimit: 2, template: {spec: {restartPolicy: Never, containers: [{name: a, image: "b:1"}]}}}
  task: {every: 1h, celery: {task: a.b, args: [1], kwargs: {x: [y]}, options: {queue: z}, broker: "redis://${HOST}"}}
"""
SEEDS = (EXAMPLE, FULL, EXAMPLE.replace("\n", "\r\n"), "\ufeff" + EXAMPLE)
ENVIRONMENT = {"TOKEN": "s3cret", "HOST": "crm.example"}

# What YAML, JSON, cron, durations or our own keys make something of.
PIECES = (
    *("\n", "\t", "  ", " #", ": ", "- ", "? ", "| ", "> ", "*", "&a ", "*a", "!!str ", "<<: ", "---\n", "...\n", "%"),
    *("{", "}", "[", "]", ",", '"', "'", "\\", "\0", "\ufeff", "\x85", "\u2028", "é", "😀", "\ue000", "@", "~"),
    *("null", "true", "yes", "0", "-1", "1e999", "9" * 400, "1:30", "010", "5m", "0s", "99999999d", "${A}", "x" * 300),
    *("* * * * *", "0 0 31 2 *", "@daily", "H H * * *", "TZ=UTC", "2027-03-28T02:30:00", "Europe/Berln", "a.b:c"),
    *("jobs:\n", "lease: {lease_duration: 1s}\n", "defaults: {jitter: 1h}\n", "cron: */5 * * * *\n", "at: ", "http: "),
    *("${", "$$", "{{ x }}", "{% x %}", "<<<<<<< a\n", "{file: x}", "“", "\uff1a", "\u00a0", "1 hour", "PT5M", "CET"),
    *("https://", "http://[::1", "${HOST}", "{secret: a/b}", "2xx", "204-200", "Host", "{job}", "image"),
    *("kind: CronJob\napiVersion: v1\n", "beat_schedule:\n", "0 3 * * * /bin/x\n", "name", "env", "run", "call"),
)  # fmt: skip

Spoil = Callable[[Random, str], str]


def put_in(random: Random, text: str) -> str:
    """A piece put in, in place of some letters or of none."""
    start = random.randint(0, len(text))
    return text[:start] + random.choice(PIECES) + text[start + random.choice([0, 0, 1, 5, 40]) :]


def flip_a_byte(random: Random, text: str) -> str:
    """Another byte, which need not be UTF-8 any more: it becomes a lone surrogate that stands for the byte."""
    raw = bytearray(text.encode(errors="surrogateescape"))
    if raw:
        raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)
    return raw.decode(errors="surrogateescape")


def lose_a_line(random: Random, text: str) -> str:
    """A line is gone."""
    lines = _lines(text)
    del lines[random.randrange(len(lines))]
    return "".join(lines)


def double_a_line(random: Random, text: str) -> str:
    """A line is there twice, the second time anywhere."""
    lines = _lines(text)
    lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
    return "".join(lines)


def swap_lines(random: Random, text: str) -> str:
    """Two lines have changed places."""
    lines = _lines(text)
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "".join(lines)


def indent_a_line(random: Random, text: str) -> str:
    """A line stands further left or right, or behind a tab."""
    lines = _lines(text)
    place = random.randrange(len(lines))
    bare = lines[place].lstrip(" \t")
    indent = " " * max(0, len(lines[place]) - len(bare) + random.choice([-4, -2, -1, 1, 2, 4]))
    lines[place] = random.choice([indent, indent, "\t", indent + "\t"]) + bare
    return "".join(lines)


def change_a_word(random: Random, text: str) -> str:
    """A word or number has become a piece, or another of the file's words."""
    words = list(re.finditer(r"[\w.:/*-]+", text))
    if not words:
        return text
    old, new = random.choice(words), random.choice(words)[0]
    return text[: old.start()] + random.choice([random.choice(PIECES), new]) + text[old.end() :]


def rename_a_key(random: Random, text: str) -> str:
    """A key has lost a letter, doubled one, or is in capitals."""
    keys = list(re.finditer(r"[A-Za-z_]+(?=:)", text))
    if not keys:
        return text
    key = random.choice(keys)
    place = random.randrange(len(key[0]))
    slips = [key[0][:place] + key[0][place + 1 :], key[0][:place] + key[0][place] + key[0][place:], key[0].upper()]
    return text[: key.start()] + random.choice(slips) + text[key.end() :]


def cut_off(random: Random, text: str) -> str:
    """The rest is missing, as of a copy that broke off."""
    return text[: random.randint(0, len(text))]


SPOILT: tuple[Spoil, ...] = (
    *(put_in, flip_a_byte, lose_a_line, double_a_line, swap_lines),
    *(indent_a_line, change_a_word, rename_a_key, cut_off),
)


def spoil(random: Random, text: str, times: int) -> bytes:
    """The text after so many accidents."""
    for _ in range(times):
        text = random.choice(SPOILT)(random, text)
    return text.encode(errors="surrogateescape")


def problems_of(file: Path, raw: bytes) -> list[Problem]:
    """What is said about a file of these bytes; nothing if it is accepted."""
    file.write_bytes(raw)
    try:
        load(file, LOADED_AT, ENVIRONMENT, installed=lambda _: True)
    except ConfigError as error:
        return error.problems or [Problem(str(file), -1, 0, "", "refused without a word", "")]
    return []


def judge(file: Path, raw: bytes) -> None:
    """Whatever a file says: it is accepted, or its mistakes are told in words that can be shown, at places it has.

    The JSON Schema says no less of it, as far as a schema can.
    """
    problems = problems_of(file, raw)
    lines = re.split("\r\n|\r|\n", raw.decode("utf-8", "replace").removeprefix("\ufeff"))

    assert [problem for problem in problems if not place_is_true(problem, lines)] == []
    assert [problem for problem in problems if not _fit_to_show(problem)] == []
    assert disagreement(file, problems) == ""
    assert not problems or re.search(rf"\n(over 500|{len(problems)}) error", problems_text(problems))


def place_is_true(problem: Problem, lines: list[str]) -> bool:
    """Whether the file has the line that the problem shows, passwords covered, and the columns that it underlines."""
    if problem.line == 0:
        return problem.source is None
    if problem.source is None or problem.span is None or not 1 <= problem.line <= len(lines):
        return False
    start, end = problem.span
    inside = 1 <= start < end <= len(problem.source) + 2
    return inside and problem.column == start and covered(lines[problem.line - 1]) == problem.source


def _fit_to_show(problem: Problem) -> bool:
    """Two or three lines that a terminal can be trusted with, none of them endless."""
    shown = problem_text(problem).split("\n")
    words = problem.message and problem.code
    return bool(words) and len(shown) <= 3 and all(line.isprintable() and len(line) < 1000 for line in shown)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True) or [""]
