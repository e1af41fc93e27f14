"""Functions that do to their process what no other function should have to suffer from."""
# ruff: noqa: T201 - printing is what many a job does

import asyncio
import atexit
import ctypes
import locale
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
from pathlib import Path

hoard: list[bytes] = []


def look() -> None:
    """What a function may rely on, as one line each."""
    print("path", "nowhere" in sys.path)
    print("argv", sys.argv)
    print("signals", signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGALRM))
    print("blocked", sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
    print("timer", signal.getitimer(signal.ITIMER_REAL))
    print("locale", locale.setlocale(locale.LC_ALL, None) if hasattr(locale, "LC_ALL") else None)
    mask = os.umask(0o22)
    os.umask(mask)
    print("umask", oct(mask))
    print("recursion", sys.getrecursionlimit())
    print("files", resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 5)
    print("nice", os.getpriority(os.PRIO_PROCESS, 0))
    logging.getLogger("shop").warning("heard")


def change_path() -> None:
    sys.path.insert(0, "nowhere")
    sys.argv[:] = ["forged"]


def change_signals() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    signal.setitimer(signal.ITIMER_REAL, 0.01)


def change_locale() -> None:
    locale.setlocale(locale.LC_ALL, "C.UTF-8")


def change_logging() -> None:
    logging.getLogger().handlers.clear()
    logging.disable(logging.CRITICAL)


def change_limits() -> None:
    os.umask(0o777)
    sys.setrecursionlimit(200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (5, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def change_priority() -> None:
    os.nice(1)


def close_outputs() -> None:
    os.close(1)
    os.close(2)


def close_all_but_the_outputs() -> None:
    os.closerange(3, 256)


def close_everything() -> None:
    os.closerange(0, 256)


def reuse_descriptors() -> None:
    os.close(1)
    os.open(os.devnull, os.O_WRONLY)


def leave_threads() -> None:
    for _ in range(3):
        threading.Thread(target=threading.Event().wait).start()
    atexit.register(threading.Event().wait)


def hold_the_interpreter(seconds: float) -> None:
    """As a function written in C does that never lets go of the lock."""
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))


def recurse() -> None:
    recurse()


def return_much() -> bytes:
    return bytes(50_000_000)


def hoard_much(size: int) -> None:
    hoard.append(b"x" * size)
    print(os.getpid())


def fail_at_length() -> None:
    raise ValueError("x" * 5_000_000)


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot even say that")


def fail_unspeakably() -> None:
    raise Unspeakable


def log_at_length() -> None:
    logging.getLogger("shop").warning("x" * 5_000_000)


def use_processes() -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(sum(pool.map(abs, [-1, -2])))


def close_in_a_child() -> None:
    if not os.fork():
        os.closerange(0, 256)
        os.kill(os.getpid(), signal.SIGKILL)
    os.wait()


async def tidy_up_when_cancelled(trace: str) -> None:
    print("up", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        Path(trace).write_text("tidy")  # noqa: ASYNC240 - as users do
