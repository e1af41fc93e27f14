"""What an `http` action was made of is secret, and stays so whatever comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from urllib3.util import parse_url

from scheduler.core.actions import HttpAction
from scheduler.core.references import FileReference, Secret
from scheduler.running.runners.call import RunFailure
from scheduler.running.runners.http import request_of
from scheduler.running.runners.http_ways import Ways
from scheduler.running.runners.values import Values
from scheduler.running.supervisor.handle import _message
from scheduler.running.supervisor.wire import encode
from tests.edges.requesting import Receiver, running
from tests.edges.supervision import Ear, order, perform

SECRET = "s3cret/of the&night"  # noqa: S105 - an example


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_nothing_that_was_sent_in_secret_comes_back(ear: Ear, receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    headers = {"Authorization": Secret(f"Bearer {SECRET}", (SECRET,)), "X": FileReference(str(tmp_path / "token"))}
    url = Secret(f"{receiver.url.replace('//', '//ann:pa55@')}/echo", ("pa55",))
    action = HttpAction(url, headers=headers, body={"pin": Secret('12"34')})
    with running(ear) as runner:
        error = ear.ended(perform(runner, order(action))).error or ""

    assert error.startswith('500: {"host": "')
    assert "***" in error
    assert not [piece for piece in (SECRET, "t0ken", "YW5uOnBhNTU", '12"34', '12\\"34') if piece in error]


def test_the_message_to_the_supervisor_shows_nothing_of_it() -> None:
    message = _message(order(HttpAction(Secret(SECRET))))

    assert SECRET.encode().hex() in encode(message).decode()
    assert SECRET.encode().hex() not in repr(message)


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        pytest.param(
            "a/b&c d",
            "a/b&c d, a/b%26c%20d, a%2Fb%26c%20d, a%2Fb%26c+d, a/b&amp;c d.",
            "***, ***, ***, ***, ***.",
            id="as written",
        ),
        pytest.param("{\nfirst line\n}", "{} first line", "{} ***", id="line by line"),
        pytest.param("abc", "abcabc", "******", id="each time"),
    ],
)
def test_a_secret_is_shown_in_none_of_the_ways_to_write_it(secret: str, text: str, shown: str) -> None:
    values = Values()
    values.text("it", Secret(secret))

    assert values.shown(text) == shown


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("a&b<c>/'\"d as it is", id="as it is"),
        pytest.param("a%26b%3cc%3e%2f%27%22d", id="lower-case digits in a URL"),
        pytest.param(r"a\u0026b\u003cc\u003e/'\"d", id="JSON by Go"),
        pytest.param(r"a&b<c>\/'\"d", id="JSON by PHP"),
        pytest.param("a&amp;b&lt;c&gt;/&#39;&#34;d", id="HTML by Go and Jinja"),
    ],
)
def test_a_secret_is_hidden_however_a_receiver_writes_it(said: str) -> None:
    values = Values()
    values.text("it", Secret("a&b<c>/'\"d"))

    assert values.shown(said).replace(" as it is", "") == "***"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("Cannot POST /services/T000/s3cr3t-of-slack?key=t0ken-of-slack", id="path and query"),
        pytest.param("no route /services/T000/s3cr3t-of-slack", id="path"),
        pytest.param("no hook s3cr3t-of-slack", id="the end of the path"),
        pytest.param("wrong t0ken-of-slack", id="a value of the query"),
        pytest.param("who is ann:pa55?", id="user and password"),
        pytest.param("YW5uOnBhNTU=", id="the same as a header says it"),
    ],
)
def test_a_url_from_elsewhere_is_secret_in_each_of_its_parts(said: str) -> None:
    url = "https://ann:pa55@hooks.invalid/services/T000/s3cr3t-of-slack?key=t0ken-of-slack"
    for value in (Secret(url, (url,)), Secret(f"{url}/x", (url,)), Secret(url)):
        values = Values()
        request_of(HttpAction(value), {}, values)
        shown = values.shown(f"hooks.invalid says: {said}")

        assert shown.startswith("hooks.invalid says: ")
        assert not [part for part in ("s3cr3t", "t0ken", "pa55", "YW5uOnBhNTU=") if part in shown]


def test_what_a_url_says_beside_its_secret_is_shown() -> None:
    values = Values()
    values.text("url", Secret("https://hooks.invalid/services/abcdefgh?q=1", ("abcdefgh",)))

    assert values.shown("Cannot POST /services/abcdefgh?q=1") == "Cannot POST /services/***?q=1"


def test_half_a_secret_at_the_end_of_an_excerpt_is_not_shown() -> None:
    values = Values()
    values.text("it", Secret("abcdefgh"))

    assert values.shown("the token is abcd", cut_off=True) == "the token"


def test_an_excerpt_is_one_short_line() -> None:
    assert Values().shown(" a\r\n\tb\x1b[2J\0 c ") == "a b [2J c"
    assert len(Values().shown("x" * 999)) == 300


@pytest.mark.parametrize("proxy", ["http://ann:pa55@proxy.invalid:99999", "ann:pa55@[proxy", "http://ann:pa/55@proxy"])
def test_a_proxy_that_is_none_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")

    with pytest.raises(RunFailure, match=r"^the proxy of http:// that the environment names cannot be read as a URL$"):
        Ways().to(parse_url("http://crm.invalid/"))


def test_what_the_library_logs_is_not_output(ear: Ear, receiver: Receiver) -> None:
    with running(ear, "debug") as runner:
        run = order(HttpAction(Secret(f"{receiver.url}/200?token={SECRET}")))
        output = ear.outputs(perform(runner, run))

    assert not output
