"""What a command is called: the program or script at its heart, from which a job's name is made."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEPARATOR = re.compile(r"&&|\|\||[;|&\n(){}]")
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SUFFIX = re.compile(r"\.(sh|bash|py|pl|php|rb|js|mjs|jar|bin|exe)$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What stands before the program: it is passed over, with its options and the values that follow them.
_WRAPPERS = _words("""
    nice ionice timeout env exec time nohup setsid chronic command flock chroot su runuser sudo chpst setlock
    lockrun systemd-cat if then else do while !
""")
_TAKE_A_VALUE = _words("""
    -u -g -n -c -p -k -s -l -w -E -t
""")
_NO_NAME = _words("""
    cd test [ [[ . source export set umask sleep true : fi done ulimit
""")
_INTERPRETERS = re.compile(r"(ba|da|k|z)?sh|python[\d.]*|perl|php[\d.]*|ruby|node|java|Rscript|lua|deno|bundle|npx|npm")
_TELL_BY_ARGUMENT = _words("""
    artisan manage console run-parts rake wp drush occ exec run yarn
""")


def program(command: str) -> str:
    """The program's name, such as `backup` of `cd /srv && nice ./backup.sh --all`; empty where there is none to see."""
    for part in _SEPARATOR.split(command):
        words = list(_bare(part))
        if words and (name := _named(words)):
            return name
    return ""


def _bare(part: str) -> Iterator[str]:
    """The words of one simple command, from the program on."""
    words = [word.strip("\"'") for word in _WORD.findall(part)]
    place, wrapped = 0, False
    while place < len(words):
        word = words[place]
        if word.rpartition("/")[2] in _WRAPPERS:
            wrapped = True
        elif wrapped and word in _TAKE_A_VALUE:
            place += 1
        elif not (_ASSIGNMENT.match(word) or (wrapped and (word.startswith("-") or _is_value(word)))):
            break
        place += 1
    yield from words[place:]


def _is_value(word: str) -> bool:
    """Whether a wrapper's argument cannot be the program: a number, a duration, a lock file."""
    return bool(re.fullmatch(r"[\d.]+[smhd]?|/\S*(lock|lck|pid)\S*", word))


def _named(words: list[str]) -> str:
    first, arguments = _stem(words[0]), [word for word in words[1:] if not re.match(r"[-<>&\d]", word)]
    if first in _NO_NAME:
        return ""
    if _INTERPRETERS.fullmatch(first) and arguments:
        first, arguments = _stem(arguments[0]), arguments[1:]
    if first in _TELL_BY_ARGUMENT and arguments:
        return _stem(arguments[0])
    return first


def _stem(word: str) -> str:
    return _SUFFIX.sub("", word.rstrip("/").rpartition("/")[2])
