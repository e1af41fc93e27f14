"""What a replica answers about itself and its jobs: `/leader`, `/status.json` and the page, `/`.

A page of a thousand jobs takes some milliseconds to make, and is asked for by as many people as like to have it open.
So an answer is kept for a while (`telling/kept.py`), and whatever its makers need is loaded when somebody asks for the
first time: most replicas are only ever asked by a kubelet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from scheduler.core.ports import Clock
from scheduler.telling.health_http import Answer, Routes, plain_answer
from scheduler.telling.kept import Kept, Pace
from scheduler.telling.page.status import Status

if TYPE_CHECKING:
    from scheduler.telling.page.document import Page
    from scheduler.telling.page.status_json import StatusJson

NO_PAGE = "not shown: config.yaml says health.page: false"
PACE = Pace(quiet=range(200_000, 900_000))
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"

T = TypeVar("T")


def status_routes(status: Status, clock: Clock, *, page: bool) -> Routes:
    """The three routes; without `page` no names of jobs are shown."""
    leader = {"/leader": partial(_leader, status)}
    if not page:
        hidden = partial(plain_answer, HTTPStatus.NOT_FOUND, NO_PAGE)
        return {"/": hidden, "/status.json": hidden, **leader}
    forms = _Forms(status, clock)
    return {"/": forms.kept(forms.html), "/status.json": forms.kept(forms.json), **leader}


def _leader(status: Status) -> Answer:
    if status.leads:
        return plain_answer(HTTPStatus.OK, f"{status.me.replica} leads")
    leader = status.leader
    if leader is None:
        sentence = "nobody leads"
    elif leader.replica == status.me.replica:
        sentence = f"{leader.replica} holds the Lease, but cannot prove it at the moment"
    else:
        sentence = f"{leader.replica} leads"
    return plain_answer(HTTPStatus.SERVICE_UNAVAILABLE, " ".join(sentence.split()))


class _Forms:
    """Both forms of one status."""

    def __init__(self, status: Status, clock: Clock) -> None:
        self._status = status
        self._clock = clock
        self._page: Page | None = None
        self._document: StatusJson | None = None

    def kept(self, make: Callable[[], T]) -> Kept[T]:
        """It, kept for a while, but not beyond the moment at which the lead is won or lost."""
        return Kept(make, self._clock, lambda: self._status.leads, PACE)

    def html(self) -> Answer:
        """The page."""
        from scheduler.telling.page.document import Page  # noqa: PLC0415  # see the head of this module
        from scheduler.telling.page.style import POLICY  # noqa: PLC0415  # as above

        if self._page is None:
            self._page = Page(self._status.me, self._status.zone)
        headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
        return Answer(HTTPStatus.OK, self._page.html(self._status.overview()), _HTML, headers)

    def json(self) -> Answer:
        """The document."""
        from scheduler.telling.page.status_json import StatusJson  # noqa: PLC0415  # as above

        if self._document is None:
            self._document = StatusJson(self._status.me, self._status.zone)
        return Answer(HTTPStatus.OK, self._document.document(self._status.overview()), _JSON)
