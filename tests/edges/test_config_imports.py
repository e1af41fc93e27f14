"""Whether the functions that jobs name can be called is found out in another process, whatever their modules do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scheduler.clock import SystemClock
from scheduler.config.imports import ImportFault, import_faults, unimportable
from scheduler.config.loading import load
from scheduler.config.report import problems_text
from scheduler.core.actions import PythonAction
from tests.edges.config_text import LOADED_AT, loaded

AT_MOST_S = 30.0  # a bound, not a wait: this machine may be busy

NOT_ITS_OWN = "does it close file descriptors, or replace parts of Python, that are not its own?"

MODULES = {
    "shop/mail.py": """\
LIMIT = 5
def send(region, *, urgent=False): ...
def told(run): ...
def told_last(region, *, run): ...
async def wait(): ...
def lines(): yield 1
class Queue:
    def drain(self=None): ...
""",
    "chatty.py": "print('hello'); import sys; sys.stdin.read(); sys.stdout.close()\ndef go(): ...\n",
    "wants.py": "import os; REGION = os.environ['REGION']\ndef go(): ...\n",
    "finds.py": "open('data.txt').close()\nimport beside\ndef go(): ...\n",
    "beside.py": "",
    "data.txt": "",
    "lacks.py": "import no_such_library\ndef go(): ...\n",
    "breaks.py": "def go(): ...\n1 / 0\n",
    "garbles.py": "def go(:\n",
    "leaves.py": "import sys; sys.exit('no licence')\n",
    "dies.py": "import os; os._exit(3)\n",
    "crashes.py": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n",
    "forks.py": "import os; os.fork()\ndef go(): ...\n",
    "threads.py": "import threading; threading.Thread(target=threading.Event().wait).start()\ndef go(): ...\n",
    "answers.py": "def __getattr__(name): raise RuntimeError('not today')\n",
    "refuses.py": "def __getattr__(name): raise SystemExit('not today')\n",
    "unsigned.py": """\
class Call:
    def __call__(self): ...
    @property
    def __signature__(self): raise SystemExit('unsigned')
go = Call()
""",
    "stands_in.py": "import sys; sys.modules[__name__] = {'message': 'hello'}\n",
    "closes.py": "import os; os.closerange(3, 256)\ndef go(): ...\n",
}


def write(folder: Path, modules: Mapping[str, str]) -> None:
    for name, text in modules.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def call(target: str, *args: object, env: Mapping[str, str] | None = None, **kwargs: object) -> PythonAction:
    module, _, function = target.partition(":")
    return PythonAction(module, function, args, kwargs, env or {})


SOUND: dict[str, PythonAction] = {
    "a function of a package without __init__": call("shop.mail:send", "eu"),
    "arguments by name": call("shop.mail:send", region="eu", urgent=True),
    "a parameter named run is filled in": call("shop.mail:told"),
    "by name too": call("shop.mail:told_last", "eu"),
    "unless the table fills it in": call("shop.mail:told", run="by hand"),
    "a coroutine": call("shop.mail:wait"),
    "a method": call("shop.mail:Queue.drain"),
    "a class": call("shop.mail:Queue"),
    "a function without a signature": call("builtins:dict", 1, 2, 3),
    "a module that prints, reads and closes": call("chatty:go"),
    "a module that wants its job's environment": call("wants:go", env={"REGION": "eu"}),
    "a module that finds what lies beside config.yaml": call("finds:go"),
    "a module that starts a thread": call("threads:go"),
    "a module that forks": call("forks:go"),
}

FAULTY: dict[str, tuple[PythonAction, ImportFault]] = {
    "no such function": (
        call("shop.mail:sned"),
        ImportFault("module shop.mail has no function sned", "did you mean send?"),
    ),
    "no such method": (
        call("shop.mail:Queue.drian"),
        ImportFault("module shop.mail has no function Queue.drian", "did you mean Queue.drain?"),
    ),
    "like no function": (call("shop.mail:zebra"), ImportFault("module shop.mail has no function zebra", None)),
    "no function": (call("shop.mail:LIMIT"), ImportFault("shop.mail:LIMIT is not a function", "it is of type int")),
    "a generator": (
        call("shop.mail:lines"),
        ImportFault("shop.mail:lines is a generator, which a call does not run", "does it need its yield?"),
    ),
    "no such module in a package": (
        call("shop.mial:send"),
        ImportFault("no module shop.mial", "did you mean shop.mail?"),
    ),
    "no such package": (call("shpo.mail:send"), ImportFault("no module shpo", "did you mean shop?")),
    "a module of another name": (call("brekas:go"), ImportFault("no module brekas", "did you mean breaks?")),
    "a library that is missing": (
        call("lacks:go"),
        ImportFault("module lacks fails to import", "ModuleNotFoundError: No module named 'no_such_library'"),
    ),
    "an exception": (
        call("breaks:go"),
        ImportFault("module breaks fails to import", "ZeroDivisionError: division by zero"),
    ),
    "broken syntax": (call("garbles:go"), ImportFault("module garbles fails to import", "SyntaxError: invalid syntax")),
    "sys.exit": (
        call("leaves:go"),
        ImportFault("module leaves ends the process when it is imported", "SystemExit: no licence"),
    ),
    "os._exit": (call("dies:go"), ImportFault("module dies ends the process when it is imported", "exit 3")),
    "a crash": (
        call("crashes:go"),
        ImportFault("module crashes ends the process when it is imported", "signal SIGSEGV"),
    ),
    "a module that answers by raising": (
        call("answers:go"),
        ImportFault("module answers fails to give go", "RuntimeError: not today"),
    ),
    "a module that exits when asked for a function": (
        call("refuses:go"),
        ImportFault("module refuses fails to give go", "SystemExit: not today"),
    ),
    "a function that exits when asked for its arguments": (
        call("unsigned:go"),
        ImportFault("module unsigned fails to give go", "SystemExit: unsigned"),
    ),
    "a dictionary in place of a module": (
        call("stands_in:go"),
        ImportFault("module stands_in has no function go", None),
    ),
    "a module that closes what it did not open": (
        call("closes:go"),
        ImportFault("module closes keeps the process that imports it from answering", NOT_ITS_OWN),
    ),
    "an argument too few": (
        call("shop.mail:send"),
        ImportFault(
            "missing a required argument: 'region'", "the function is send(region, *, urgent=False)", "arguments"
        ),
    ),
    "an unknown argument": (
        call("shop.mail:send", "eu", rush=1),
        ImportFault("send() takes no argument rush", "the function is send(region, *, urgent=False)", "arguments"),
    ),
    "an argument that was probably meant otherwise": (
        call("shop.mail:send", "eu", ugrent=True),
        ImportFault("send() takes no argument ugrent", "did you mean urgent?", "arguments"),
    ),
    "an argument too many": (
        call("shop.mail:told", 1),
        ImportFault("too many positional arguments", "the function is told(run)", "arguments"),
    ),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ImportFault | None]:
    """What is found about all of these calls in one go, as `check` asks."""
    folder = tmp_path_factory.mktemp("config")
    write(folder, MODULES)
    calls = SOUND | {name: row[0] for name, row in FAULTY.items()}
    return dict(zip(calls, import_faults(list(calls.values()), folder, SystemClock(), AT_MOST_S), strict=True))


@pytest.mark.parametrize("name", SOUND)
def test_a_call_that_would_do(found: dict[str, Any], name: str) -> None:
    assert found[name] is None


@pytest.mark.parametrize("name", FAULTY)
def test_a_call_that_would_fail(found: dict[str, Any], name: str) -> None:
    assert found[name] == FAULTY[name][1]


def test_a_module_that_hangs_is_given_up_and_holds_up_no_other(tmp_path: Path) -> None:
    hang = "import os, threading; open('pid', 'w').write(str(os.getpid())); threading.Event().wait()\n"
    write(tmp_path, {"hangs.py": hang, "goes.py": "def go(): ...\n"})
    calls = [call("hangs:go"), call("goes:go")]
    hint = "slow work belongs into a function, not into the import"

    assert import_faults(calls, tmp_path, SystemClock(), 2.0) == [
        ImportFault("module hangs takes longer than 2 s to import", hint),
        None,
    ]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def writes(what: str, then: str = "") -> str:
    """A module that writes to file descriptors that it did not open."""
    return f"""\
import contextlib, os, threading
for fd in range(3, 12):
    with contextlib.suppress(OSError):
        os.write(fd, {what})
def go(): ...
{then}
"""


GARBAGE = {
    "a line that is no JSON": writes(r"b'not json\n'"),
    "many lines": writes(r"b'not json\n' * 1000"),
    "a list that is too long": writes(r"b'[null, null]\n'"),
    "a list that would do": writes(r"b'[null]\n'"),
    "invalid UTF-8": writes(r"b'\xff\xfe\n'"),
    "deep brackets": writes(r"b'[' * 5000 + b'\n'"),
    "half a line": writes("b'half'"),
    "half a line, and then it hangs": writes("b'half'", "threading.Event().wait()"),
    "a line before it ends the process": writes(r"b'bye\n'", "os._exit(3)"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_a_module_writes_over_the_answer_is_its_own_fault(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"scribbles.py": GARBAGE[name], "goes.py": "def go(): ...\n"})
    hint = "does it write to file descriptors that it did not open?"
    clock = SystemClock()
    started = clock.boot()

    assert import_faults([call("scribbles:go"), call("goes:go")], tmp_path, clock, AT_MOST_S) == [
        ImportFault("module scribbles writes over the answer of the process that imports it", hint),
        None,
    ]
    assert clock.boot() - started < AT_MOST_S / 2  # what is plain at once is not waited for


SPOILERS = {
    "breaks json": "import json; json.loads = None\n",
    "breaks json while its thread goes on": """\
import json, threading
json.loads = None
threading.Thread(target=threading.Event().wait).start()
""",
    "makes answers of another shape": "import json; json.dumps = lambda answer: '[7]'\n",
    "makes answers that are too long": "import json; json.dumps = lambda answer: '[null, null]'\n",
    "makes answers that are no JSON": "import json; json.dumps = lambda answer: 'dumped'\n",
    "makes answers of deep brackets": "import json; json.dumps = lambda answer: '[' * 100_000\n",
    "makes answers of invalid UTF-8": """\
import json, os
def dumps(answer):
    os.write(4, token + b' \\xff\\n')
    return 'null'
def loads(order):
    global token
    order = first(order)
    token = order['token'].encode()
    return order
first, json.loads, json.dumps = json.loads, loads, dumps
""",
    "closes the orders": "import os; os.close(3)\n",
    "writes later": """\
import json, os, threading
loads = json.loads
def late(order):
    os.write(4, b'late')
    return loads(order)
json.loads = late
""",
    "ends the process later": "import json, os; json.loads = lambda order: os._exit(3)\n",
}


@pytest.mark.parametrize("name", SPOILERS)
def test_a_module_is_not_blamed_for_what_one_before_it_did(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"spoils.py": SPOILERS[name] + "def go(): ...\n", "a.py": "def go(): ...\n", "b.py": "1 / 0\n"})
    seen: list[tuple[int, int]] = []
    faults = import_faults(
        [call("spoils:go"), call("a:go"), call("b:go")],
        tmp_path,
        SystemClock(),
        AT_MOST_S,
        lambda done, all_of_them: seen.append((done, all_of_them)),
    )

    assert faults == [None, None, ImportFault("module b fails to import", "ZeroDivisionError: division by zero")]
    assert seen[-1] == (3, 3)


def test_a_module_that_ends_every_process_is_asked_twice_at_most(tmp_path: Path) -> None:
    dies = "import os; open('asked', 'a').write('x'); os._exit(3)\n"
    write(tmp_path, {"goes.py": "def go(): ...\n", "dies.py": dies})
    faults = import_faults([call("goes:go"), call("dies:go")], tmp_path, SystemClock(), AT_MOST_S)

    assert faults == [None, ImportFault("module dies ends the process when it is imported", "exit 3")]
    assert (tmp_path / "asked").read_text() == "xx"


def test_a_module_that_closes_the_answer_and_hangs_is_told_from_one_that_was_killed(tmp_path: Path) -> None:
    close = "import os, signal, threading; os.closerange(3, 256); "
    write(tmp_path, {"hangs.py": close + "threading.Event().wait()\n"})
    write(tmp_path, {"killed.py": close + "os.kill(os.getpid(), signal.SIGKILL)\n"})
    faults = import_faults([call("hangs:go"), call("killed:go")], tmp_path, SystemClock(), AT_MOST_S)

    assert faults == [
        ImportFault("module hangs keeps the process that imports it from answering", NOT_ITS_OWN),
        ImportFault("module killed ends the process when it is imported", "signal SIGKILL"),
    ]


def test_what_was_not_looked_at_in_time_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"goes.py": "def go(): ...\n"})

    assert import_faults([call("goes:go")], tmp_path, SystemClock(), 0.0) == [
        ImportFault("module goes was not looked at, others took all of 0 s", None)
    ]


def test_progress_is_told_by_module(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "def go(): ...\ndef stop(): ...\n", "b.py": "def go(): ...\n"})
    seen: list[tuple[int, int]] = []
    import_faults(
        [call("a:go"), call("a:stop"), call("b:go")],
        tmp_path,
        SystemClock(),
        AT_MOST_S,
        lambda done, all_of_them: seen.append((done, all_of_them)),
    )

    assert seen == [(1, 2), (2, 2)]


def test_nothing_is_started_for_a_table_without_python(tmp_path: Path) -> None:
    assert import_faults([], tmp_path, SystemClock()) == []


def test_a_fault_is_a_problem_where_the_file_names_the_function(tmp_path: Path) -> None:
    write(tmp_path, {"jobs/__init__.py": "", "jobs/examples.py": "def report(region): ...\n"})
    text = """\
jobs:
  hello:
    every: 5s
    shell: ls

  report:
    every: 1m
    python: jobs.examples:reprot
  long:
    every: 1m
    python:
      kwargs: {reigon: eu}
      call: "jobs.examples:report"
"""
    problems = unimportable(loaded(tmp_path, text), SystemClock(), AT_MOST_S)

    assert (
        problems_text(problems).replace(f"{tmp_path}/", "")
        == """\
config.yaml:8:13: jobs.report.python: module jobs.examples has no function reprot [import]
8 |     python: jobs.examples:reprot
  |             ^^^^^^^^^^^^^^^^^^^^ did you mean report?
config.yaml:13:13: jobs.long.python.call: report() takes no argument reigon [arguments]
13 |       call: "jobs.examples:report"
   |             ^^^^^^^^^^^^^^^^^^^^^^ did you mean region?
2 errors in config.yaml"""
    )


def test_the_functions_of_the_example_can_be_called() -> None:
    example = load(Path(__file__).parents[2] / "config.yaml", LOADED_AT)

    assert unimportable(example, SystemClock(), AT_MOST_S) == []
