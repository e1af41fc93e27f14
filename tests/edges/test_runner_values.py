"""Receivers quote the part that they dislike, so of a value from elsewhere its pieces are secret too."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.actions import HttpAction
from scheduler.core.references import FileReference, Secret
from scheduler.running.runners.http import request_of
from scheduler.running.runners.values import (
    _LOOKED_AT_CHARACTERS,
    _PIECE_CHARACTERS,
    _PIECES,
    _SCHEMES,
    Values,
    _pieces,
)

URL = "http://crm.invalid/sync"
BOB = b64encode(b"bob:hunter2222").decode()


def shown(secret: str, text: str) -> str:
    """What is shown of `text` by a run of which this is a value from elsewhere."""
    values = Values()
    values.text("it", Secret(secret))
    return values.shown(text)


@pytest.mark.parametrize(
    ("action", "said", "left"),
    [
        pytest.param(
            HttpAction(URL, headers={"Authorization": Secret("Bearer tok_abcdef123456", ("Bearer tok_abcdef123456",))}),
            "invalid token tok_abcdef123456",
            "invalid token ***",
            id="token",
        ),
        pytest.param(
            HttpAction(URL, headers={"Authorization": Secret(f"Basic {BOB}", (BOB,))}),
            "wrong password for bob:hunter2222, not hunter2222",
            "wrong password for ***, not ***",
            id="Basic",
        ),
        pytest.param(
            HttpAction(Secret(f"{URL}?a=1&api_key=zzzz%2Fyyyyxxxx", ("?a=1&api_key=zzzz%2Fyyyyxxxx",))),
            "unknown api_key zzzz/yyyyxxxx for /sync",
            "unknown api_key *** for /sync",
            id="query",
        ),
    ],
)
def test_a_piece_of_what_a_variable_says_is_not_shown(action: HttpAction, said: str, left: str) -> None:
    values = Values()
    request_of(action, {}, values)

    assert values.shown(said) == left


@pytest.mark.parametrize(
    ("content", "said", "left"),
    [
        pytest.param("Bearer tok_abcdef123456\n", "bad token tok_abcdef123456", "bad token ***", id="token"),
        pytest.param(
            '{"user": "bob", "password": "hunter2222"}', "bad password hunter2222", "bad password ***", id="JSON"
        ),
        pytest.param(
            '{"pin": 4711471, "more": [{"port": 8080}]}', "8080: bad pin 4711471", "8080: bad pin ***", id="number"
        ),
    ],
)
def test_a_piece_of_what_a_file_says_is_not_shown(tmp_path: Path, content: str, said: str, left: str) -> None:
    (tmp_path / "it").write_text(content)
    values = Values()
    request_of(HttpAction(URL, body=FileReference(str(tmp_path / "it"))), {}, values)

    assert values.shown(said) == left


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        pytest.param(BOB, "hunter2222", id="Basic without its scheme"),
        pytest.param(b64encode("bob:hünter2222".encode("latin-1")).decode(), "hünter2222", id="Basic in latin-1"),
        pytest.param("bob:hunter2222", "hunter2222", id="user and password"),
        pytest.param(json.dumps({"auths": {"r.invalid": {"auth": BOB}}}), "hunter2222", id="registry"),
        pytest.param('{"pin": "first567", "pin": "second89"}', "first567", id="JSON that says it twice"),
        pytest.param('{"pin": "first567"}\n{"pin": "second89"}', "second89", id="lines of JSON"),
        pytest.param(r'["hunter2222", "\ud83dhunter"]', "hunter2222", id="JSON that is no text"),
        pytest.param('{"pin": "hunter2222", cut off', "hunter2222", id="almost JSON"),
        pytest.param("[" * 99_999 + '"hunter2222"', "hunter2222", id="JSON that is too deep"),
        pytest.param('{"hook": "https://h.invalid/T000/hunter2222"}', "/T000/hunter2222", id="URL in JSON"),
        pytest.param("T000/B000/hunter2222", "hunter2222", id="end of a path"),
        pytest.param('Digest username="bob", response="hunter2222"', "hunter2222", id="Digest"),
        pytest.param("session=hunter2222; theme=dark", "hunter2222", id="cookie"),
        pytest.param("a=my+secret+words&b=2", "my secret words", id="form"),
        pytest.param("password: hunter2222\n", "hunter2222", id="YAML"),
        pytest.param("<pw>hunter2222</pw>", "hunter2222", id="XML"),
    ],
)
def test_a_piece_is_hidden_in_each_of_these(secret: str, said: str) -> None:
    assert shown(secret, f"no {said}!") == "no ***!"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        pytest.param("hello error", "hello, an error", id="short words"),
        pytest.param("Bearer tok_abcdef123456", "Bearer expected", id="scheme"),
        pytest.param('{"password": "hunter2222"}', "no password", id="name in JSON"),
        pytest.param("password=hunter2222", "no password", id="name in a form"),
        pytest.param('{"hook": "https://hooks.invalid/T0"}', "https://hooks.invalid", id="host"),
        pytest.param('{\n        "a": {\n        }\n}', "{}", id="brace of an indented file"),
    ],
)
def test_what_is_no_secret_is_shown(secret: str, said: str) -> None:
    assert shown(secret, said) == said


LEAST = _PIECE_CHARACTERS
WORD = st.text(st.characters(categories=("L", "N", "P", "S"), exclude_characters="*"), min_size=1, max_size=20).filter(
    lambda word: word.lower() not in _SCHEMES
)
PLAIN = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=20)
PHRASE = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="*"), max_size=20
)


@dataclass(frozen=True)
class Quoted:
    """A secret, and the pieces of it that a receiver may quote."""

    secret: str
    pieces: list[str]


def leaves(document: object) -> list[str]:
    match document:
        case dict():
            return [leaf for each in document.values() for leaf in leaves(each)]
        case list():
            return [leaf for each in document for leaf in leaves(each)]
    return [document] if isinstance(document, str) else [json.dumps(document)]


def basic(user: str, password: str) -> Quoted:
    both = f"{user}:{password}"
    return Quoted(f"Basic {b64encode(both.encode()).decode()}", [both, user, password])


JSON = st.recursive(
    PHRASE | st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORD, inner, max_size=4)
).filter(lambda document: isinstance(document, dict | list))
FORM = st.dictionaries(PLAIN, PHRASE, min_size=1, max_size=4)
QUOTED = st.one_of(
    st.builds(lambda token: Quoted(f"Bearer {token}", [token]), WORD),
    st.lists(WORD, min_size=2, max_size=5)
    .map(lambda words: Quoted(" ".join(words), words))
    .filter(lambda it: "://" not in it.secret and it.secret[0] not in '{["'),
    st.builds(lambda it, indent: Quoted(json.dumps(it, indent=indent), leaves(it)), JSON, st.sampled_from([None, 2])),
    st.builds(basic, PLAIN, PHRASE),
    st.builds(lambda form, mark: Quoted(mark + urlencode(form), list(form.values())), FORM, st.sampled_from(["", "?"])),
)
WRITERS: list[Callable[[str], str]] = [str, quote, escape, lambda piece: json.dumps(piece)[1:-1]]


@settings(max_examples=500, deadline=None)
@given(it=QUOTED, write=st.sampled_from(WRITERS))
def test_no_piece_of_a_secret_is_shown(it: Quoted, write: Callable[[str], str]) -> None:
    for piece in it.pieces:
        if len(piece.strip()) >= LEAST:
            left = shown(it.secret, f"no {write(piece)}!")

            assert " ".join(write(piece).split()) not in left
            assert " ".join(piece.split()) not in left


class Untouched(str):
    """A text that nobody may look into."""

    __slots__ = ()

    def strip(self, *_: object) -> str:
        raise AssertionError("looked at")

    split = splitlines = lower = encode = strip  # type: ignore[assignment]


def test_a_run_that_succeeds_looks_for_no_pieces() -> None:
    values = Values()
    values.text("it", Secret(Untouched("a" * 99)))
    values.hide(Untouched("b" * 99))

    with pytest.raises(AssertionError, match="looked at"):
        values.shown("a failure")


def test_the_largest_file_is_hidden_word_by_word() -> None:
    words = [f"{number:06x}" for number in range(128 * 1024 // 7)]
    said = " ".join((words[0], words[9999], words[-1]))

    assert shown("\t".join(words), said) == "*** *** ***"
    assert shown(json.dumps(words[:12_000]), words[11_999]) == "***"


def test_no_more_is_looked_for_than_these() -> None:
    """A value of the environment may be of any length."""
    many = " ".join(f"{number:07x}" for number in range(_PIECES + 1))

    assert len(list(_pieces(many))) == _PIECES
    assert "hidden" not in set(_pieces("ab " * (_LOOKED_AT_CHARACTERS // 3) + "... hidden"))


def test_half_a_piece_at_the_end_of_an_excerpt_is_not_shown() -> None:
    """Also where it is longer than the whole value, as this one is in a URL."""
    values = Values()
    values.text("it", Secret(b64encode(("<" * 12).encode()).decode()))

    left = values.shown(f"{'.' * 99} no token {quote('<' * 12)[:-1]}", cut_off=True)

    assert left
    assert not left.strip(".")
