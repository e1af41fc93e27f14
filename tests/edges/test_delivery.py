"""One try to deliver, against a real receiver in another process; what goes wrong is told without the URL."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from scheduler.cluster.exchange import MAX_UNDER_WAY, Exchanges
from scheduler.core.references import FileReference, Secret
from scheduler.telling.signals.delivery import Carrier
from scheduler.telling.signals.mailbag import Failure, Mail
from tests.fakes.certificates import authority, server_tls
from tests.fakes.receiver import Receiver, receiving

SOON_S = 0.3


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def carrier(tmp_path: Path) -> Carrier:
    return Carrier(tmp_path, cache(lambda _: Exchanges()))


def test_a_mail_arrives_as_it_was_made(receiver: Receiver, carrier: Carrier) -> None:
    headers = {"Authorization": Secret("Bearer t0ken"), "X-Team": "ops"}

    assert carrier(Mail(Secret(receiver.url("/ok/whole?a=b")), b'{"job":"sync"}', headers), "ops") is None
    (got,) = receiver.got("/ok/whole")
    assert (got["query"], got["body"]) == ("a=b", '{"job":"sync"}')
    assert got["headers"]["content-type"] == "application/json"
    assert got["headers"]["user-agent"].startswith("leasebeat/")
    assert (got["headers"]["authorization"], got["headers"]["x-team"]) == ("Bearer t0ken", "ops")


def test_a_connection_is_used_again_and_cookies_are_not_kept(receiver: Receiver, carrier: Carrier) -> None:
    for _ in range(2):
        assert carrier(Mail(receiver.url("/ok/kept"), b""), "ops") is None
    first, second = receiver.got("/ok/kept", 2)

    assert first["port"] == second["port"]
    assert "cookie" not in second["headers"]


def test_a_file_is_read_at_each_try(receiver: Receiver, carrier: Carrier, tmp_path: Path) -> None:
    mail = Mail(FileReference("url"), b"", {"X-Token": FileReference("token")})
    (tmp_path / "url").write_text(receiver.url("/ok/file") + "\n")
    for token in ("old", "new"):
        (tmp_path / "token").write_text(token)
        assert carrier(mail, "ops") is None

    assert [got["headers"]["x-token"] for got in receiver.got("/ok/file", 2)] == ["old", "new"]


def test_netrc_does_not_replace_our_own_credentials(
    receiver: Receiver, carrier: Carrier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    assert carrier(Mail(receiver.url("/ok/netrc"), b"", {"Authorization": "Bearer ours"}), "ops") is None
    assert receiver.got("/ok/netrc")[0]["headers"]["authorization"] == "Bearer ours"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/status/200", None),
        ("/status/204", None),
        ("/status/404", Failure("status 404 not found", lasting=True)),
        ("/status/410", Failure("status 410 gone", lasting=True)),
        ("/status/499", Failure("status 499", lasting=True)),
        ("/status/408", Failure("status 408 request timeout")),
        ("/status/429", Failure("status 429 too many requests")),
        ("/status/500", Failure("status 500 internal server error")),
        ("/status/503", Failure("status 503 service unavailable")),
        ("/redirect", Failure("status 302 found", lasting=True)),
        ("/reset", Failure("connection reset")),
    ],
)
def test_what_becomes_of_a_try(receiver: Receiver, carrier: Carrier, path: str, expected: Failure | None) -> None:
    assert carrier(Mail(receiver.url(path), b""), "ops") == expected


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_a_receiver_that_never_comes_to_an_end_is_given_up(receiver: Receiver, tmp_path: Path, path: str) -> None:
    carrier = Carrier(tmp_path, cache(lambda _: Exchanges()), timeout_s=SOON_S)

    assert carrier(Mail(receiver.url(path), b""), "ops") == Failure("timeout after 0.3s")
    assert carrier(Mail(receiver.url("/ok/after" + path), b""), "ops") is None


def test_answers_that_trickle_for_hours_hold_up_their_own_place_alone(receiver: Receiver, tmp_path: Path) -> None:
    exchanges_with = cache(lambda _: Exchanges())
    mail = Mail(receiver.url("/drip"), b"")
    with ThreadPoolExecutor(MAX_UNDER_WAY) as threads:
        for _ in range(MAX_UNDER_WAY):
            threads.submit(Carrier(tmp_path, exchanges_with, timeout_s=SOON_S), mail, "trickles")
    carrier = Carrier(tmp_path, exchanges_with)

    assert carrier(Mail(receiver.url("/ok"), b""), "trickles") == Failure("16 earlier requests still hang")
    assert carrier(Mail(receiver.url("/ok"), b""), "ops") is None


def test_a_receiver_that_is_away(carrier: Carrier) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/s3cret"

        assert carrier(Mail(url, b""), "ops") == Failure("connection refused")


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("s3cret", {}),
        ("ftp://127.0.0.1/s3cret", {}),
        ("http://[s3cret", {}),
        ("http://127.0.0.1:1/", {"X-Token": "s3cret\nX-More: yes"}),
    ],
)
def test_what_can_never_be_sent(carrier: Carrier, url: str, headers: dict[str, str]) -> None:
    assert carrier(Mail(url, b"", headers), "ops") == Failure(
        "not a URL, or a header that cannot be sent", lasting=True
    )


def test_files_that_cannot_be_had_are_named_and_may_come_later(carrier: Carrier, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * (128 * 1024 + 1))
    (tmp_path / "nul").write_bytes(b"http://a\0b")

    assert carrier(Mail(FileReference("none"), b""), "ops") == Failure("none: No such file or directory")
    assert carrier(Mail(FileReference("fifo"), b""), "ops") == Failure("fifo is no file")
    assert carrier(Mail(FileReference("bytes"), b""), "ops") == Failure("bytes is no UTF-8 text")
    assert carrier(Mail(FileReference("large"), b""), "ops") == Failure("large is larger than 128 KiB")
    assert carrier(Mail(FileReference("nul"), b""), "ops") == Failure("nul holds a NUL")


def test_no_log_record_shows_the_url(receiver: Receiver, carrier: Carrier, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for path in ("/ok/s3cret", "/status/503/s3cret", "/reset/s3cret"):
        carrier(Mail(receiver.url(path), b""), "ops")

    assert "s3cret" not in caplog.text


def test_an_untrusted_certificate_is_no_way(receiver: Receiver, carrier: Carrier) -> None:
    assert carrier(Mail(receiver.url("/ok").replace("http:", "https:"), b""), "ops") == Failure("TLS failed")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_variables_that_jobs_know_name_the_cas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for known in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(known, raising=False)
    monkeypatch.setenv(variable, authority())
    carrier = Carrier(tmp_path, cache(lambda _: Exchanges()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer_by_tls, args=(listener,), daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"

        assert carrier(Mail(url, b""), "ops") is None


def _answer_by_tls(listener: socket.socket) -> None:
    client, _ = listener.accept()
    with suppress(ssl.SSLError), server_tls().wrap_socket(client, server_side=True) as wire:
        wire.recv(4096)
        wire.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
