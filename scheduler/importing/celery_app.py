"""What a Celery app says about beat, asked in a process of its own that has a limit of time.

The app is the user's and so is Celery: neither is ever imported into this process, and leasebeat does not need Celery.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from scheduler.importing.found import CannotImport, one_line

LIMIT_S = 30
_PROBE = Path(__file__).with_name("celery_probe.py")
_HOW = "write it as beat's -A has it, with a colon, such as shop.celery:app"


def asked(reference: str, folder: Path, limit_s: int = LIMIT_S) -> dict[str, Any]:
    """The facts of the app MODULE:APP, its module being looked for in `folder` and on PYTHONPATH.

    Raises `CannotImport` where it cannot be imported, hangs, or is no app.
    """
    module, colon, name = reference.partition(":")
    if not (colon and all(part.isidentifier() for part in (*module.split("."), *name.split(".")))):
        raise CannotImport(f"expected MODULE:APP, got {one_line(reference)}", _HOW)
    command = [sys.executable, "-P", str(_PROBE), module, name, str(folder), json.dumps(sys.path), str(limit_s + 5)]
    process = subprocess.Popen(  # noqa: S603 - our own file, and names as arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        start_new_session=True,
    )
    answer = _answer(process, module, limit_s)
    if "error" in answer:
        raise CannotImport(one_line(answer["error"]), one_line(answer["hint"] or "", 400) or None)
    return answer


def _answer(process: subprocess.Popen[bytes], module: str, limit_s: int) -> dict[str, Any]:
    with process:
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            hint = "does it wait for a broker or a database when it is imported?"
            raise CannotImport(f"module {module} takes longer than {limit_s} s to import", hint) from None
        finally:
            with suppress(ProcessLookupError, PermissionError):  # all that the user's modules started goes too
                os.killpg(process.pid, signal.SIGKILL)
    try:
        answer = json.loads(output)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        hint = f"its process ended with status {process.returncode}"
        raise CannotImport(f"module {module} ends the process when it is imported", hint)
    return answer
