"""A certificate for 127.0.0.1 from an authority that nobody knows, made anew by each process: no key lies in a file."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

_FOLDER = TemporaryDirectory(prefix="authority-")  # goes with the process


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def authority() -> str:
    """The file that SSL_CERT_FILE is to name."""
    path = Path(_FOLDER.name) / "authority.pem"
    _authority().cert_pem.write_to_path(str(path))
    return str(path)


def server_tls() -> ssl.SSLContext:
    """What a server of this process shows its clients."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority().issue_cert("127.0.0.1").configure_cert(tls)
    return tls
