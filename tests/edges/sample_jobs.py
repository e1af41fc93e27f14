"""Functions as users write them, good and bad, for the tests of the workers. Nothing in here knows the scheduler."""
# ruff: noqa: T201 - printing is what many a job does

import asyncio
import ctypes
import functools
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger("shop.orders")


def noop() -> None:
    pass


def say(*words: object, **pairs: object) -> None:
    print(*words, *(f"{name}={value!r}" for name, value in pairs.items()))


def own_pid() -> None:
    print(os.getpid())


def told(run: Any) -> None:
    print(run)
    print(run.id, run.tick.isoformat(), run.deadline - run.tick > run.tick - run.tick)


def fail() -> None:
    raise ValueError("no such order\nat all")


def fail_without_words() -> None:
    raise RuntimeError


def leave(code: int | str | None = None) -> None:
    sys.exit(code)


async def wait_a_little(name: str) -> None:
    await asyncio.sleep(0)
    print("waited for", name)


async def fail_later() -> None:
    await asyncio.sleep(0)
    fail()


partly_applied = functools.partial(say, "partly")


class Shop:
    @staticmethod
    def close() -> None:
        print("closed")


def die(status: int) -> None:
    os._exit(status)


def segfault() -> None:
    ctypes.string_at(0)


def write_everywhere() -> None:
    print("print")
    os.write(1, b"descriptor\n")
    subprocess.run(["echo", "child"], check=True)
    ctypes.CDLL(None).puts(b"stdio")
    print("error", file=sys.stderr)
    print("no line end", end="")


def log_records() -> None:
    log.debug("too quiet")
    log.info("%d orders", 3)
    log.warning("two\nlines")
    try:
        fail()
    except ValueError:
        log.exception("it failed")


def spoil_surroundings() -> None:
    os.environ["LEFT_BEHIND"] = "yes"
    del os.environ["HOME"]
    os.chdir("/")
    sys.stdout.close()
    sys.stderr = None


def show_surroundings(*names: str) -> None:
    print(Path.cwd())
    print(*(os.environ.get(name) for name in names))


def ignore_term_until_killed() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("deaf", flush=True)
    threading.Event().wait()


def wait_for_ever() -> None:
    print(os.getpid(), flush=True)
    threading.Event().wait()


def two_steps(times: int) -> None:
    def one_after_the_other() -> None:
        subprocess.run(["sleep", "30"], check=False)
        print("next", flush=True)

    threads = [threading.Thread(target=one_after_the_other) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fork_and_return() -> None:
    """As a careless user of os.fork() does: the copy comes back from the function as well."""
    copy = os.fork()
    copy_of_copy = 0 if copy else os.fork()
    if copy or copy_of_copy:
        os.waitpid(copy or copy_of_copy, 0)
    log.warning("parent" if copy else "copy")


def leave_a_child_behind(fifo: str) -> None:
    subprocess.Popen(["sh", "-c", f"exec 9>{fifo}; echo held >&9; sleep 60"])


def peak_kb() -> None:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def has_imported(*modules: str) -> None:
    print(*(module in sys.modules for module in modules))
