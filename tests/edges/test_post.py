"""The threads that send letters: whoever posts never waits, and who hangs holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from scheduler.running.supervisor.times import boot_now
from scheduler.telling.signals.mailbag import Failure, Letter, Mail
from scheduler.telling.signals.post import THREADS, Deliver, Post

PATIENCE_S = 10.0


class Targets:
    """Takes mail: `hang` never answers, `refuses` refuses, all others take what they get."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.told: list[tuple[str, dict[str, object]]] = []
        self.end = threading.Event()
        self._changed = threading.Condition()

    def carrier(self) -> Deliver:
        return self.deliver

    def deliver(self, mail: Mail, _place: str) -> Failure | None:
        url = str(mail.url)
        with self._changed:
            self.got.append(f"{url} {mail.body.decode()}".strip())
            self._changed.notify_all()
        if url.startswith("hang"):
            self.end.wait(PATIENCE_S)
            return Failure("timeout after 10s")
        return Failure("status 404", lasting=True) if url == "refuses" else None

    def tell(self, event: str, /, **facts: object) -> None:
        with self._changed:
            self.told.append((event, facts))
            self._changed.notify_all()

    def wait_for(self, *mails: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: all(mail in self.got for mail in mails), PATIENCE_S), self.got

    def wait_until_told(self) -> tuple[str, dict[str, object]]:
        with self._changed:
            assert self._changed.wait_for(lambda: self.told, PATIENCE_S)
            return self.told[0]


@pytest.fixture
def targets() -> Iterator[Targets]:
    targets = Targets()
    yield targets
    targets.end.set()


@pytest.fixture
def post(targets: Targets) -> Post:
    return Post(targets.carrier, targets.tell, boot_now)


def letter(target: str, text: str = "", job: str = "sync") -> Letter:
    return Letter(target, job, lambda: Mail(target, text.encode()))


def test_what_is_posted_arrives_in_its_order(post: Post, targets: Targets) -> None:
    for number in range(50):
        post.put(letter("ops", str(number)))
    post.close()

    assert targets.got == [f"ops {number}" for number in range(50)]
    assert targets.told == []


def test_targets_that_hang_hold_up_neither_who_posts_nor_others(post: Post, targets: Targets) -> None:
    for number in range(3 * THREADS):
        post.put(letter("hang", job=f"job-{number}"))
    targets.wait_for("hang")
    post.put(letter("ops"))

    targets.wait_for("ops")
    assert targets.got.count("hang") < THREADS


def test_the_end_does_not_wait_for_who_hangs_and_tells_what_is_dropped(post: Post, targets: Targets) -> None:
    for text in ("first", "second", "third"):
        post.put(letter("hang", text))
    targets.wait_for("hang first")
    post.close(within_s=0.01)

    assert targets.told == [("notify.dropped", {"target": "hang", "count": 2})]
    post.put(letter("ops"))
    assert targets.got == ["hang first"]


def test_what_a_target_refuses_is_told_without_its_url(post: Post, targets: Targets) -> None:
    post.put(letter("refuses", job="sync"))

    facts = {"target": "refuses", "job": "sync", "count": 1, "error": "status 404"}
    assert targets.wait_until_told() == ("notify.failed", facts)


def test_a_letter_that_cannot_be_made_costs_no_other(post: Post, targets: Targets) -> None:
    def compose() -> Mail:
        raise KeyError("https://hooks/s3cret")

    post.put(Letter("ops", "sync", compose))
    post.put(letter("ops", "second"))
    post.close()

    assert targets.got == ["ops second"]
    assert targets.told[0][1]["error"] == "KeyError while it was made"


def test_without_letters_there_is_no_thread(post: Post) -> None:
    before = threading.active_count()
    post.close()

    assert threading.active_count() == before
