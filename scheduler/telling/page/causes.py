"""Why a run failed, in a few words that cannot hold a secret: `http 502`, `exit 3`, `signal KILL`, `KeyError`.

The whole error is in the log, for those who may read it. The health server's port is open to every pod of the cluster,
and the text of an error is the job's own: a URL with a token in it, an argument, the last line of its output. So only
what comes from a closed set is shown here: our own reasons, numbers, names of signals, an exception's class.
"""

from __future__ import annotations

import re

_STATUS = re.compile(r"\b([1-5]\d\d)\b")
_EXIT = re.compile(r"(exit \d{1,3}|signal [A-Z0-9+-]{1,9})(?![\w.])")
_CLASS = re.compile(r"([A-Za-z_]\w{0,59})(?=:|$)")
_REASON = re.compile(r"[a-z][a-z_]{0,39}")


def brief_cause(reason: object, error: object) -> str | None:
    """What the page may say of a final line with this reason and this error; None when there is neither."""
    if reason is None or not _REASON.fullmatch(str(reason)):
        return None
    text = "" if error is None else str(error)
    match reason:
        case "http_status":
            found = _STATUS.search(text)
            return f"http {found[1]}" if found else "http status"
        case "exit" | "crashed":
            found = _EXIT.match(text)
            return found[1] if found else str(reason)
        case "exception":
            found = _CLASS.match(text)
            return found[1] if found else "exception"
    return str(reason).replace("_", " ")
