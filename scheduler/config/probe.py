"""Runs as a process of its own: imports the user's modules and tells what is wrong with the functions that jobs call.

Started by `imports.py` as a file, with nothing of ours imported: what a module does at import (print, exit, hang, take
memory) stays in here. An order comes in as a line of JSON, `{"token", "module", "env", "calls": [{"function", "args",
"kwargs"}]}`, where a variable of `env` is text, `{"file": path}` or `{"secret": text, "variables": [text]}` with the
secrets that are parts of it. Its answer goes out as a line, the order's token and then a list with null or `{"message",
"hint", "code"}` for each call.
argv: the folder of config.yaml, sys.path as JSON, and after how many seconds this process ends whatever happens.

What a worker does for a run (`running/runners/`) decides what is right here: the same folder and sys.path, a dotted
name after the colon, a parameter named `run`, a coroutine that is run to its end.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import pkgutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

Fault = dict[str, str | None]

CANNOT_ANSWER = 97  # the exit code when a module took from this process what it needs in order to answer
SHORTEST_SECRET = 4  # letters; to blot out every "1" would leave no sentence readable


def main() -> None:
    """Answer orders until there are no more."""
    folder, path, limit_s = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    # The default action of SIGALRM ends the process even while it hangs in C, and when nobody is left to kill it.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(limit_s)
    orders, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    # A copy that a module forks has no business here: it neither answers nor keeps the pipes open when we are gone.
    os.register_at_fork(after_in_child=orders.close)
    os.register_at_fork(after_in_child=answers.close)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # from here on, what user code prints is lost
        os.dup2(nowhere, standard)
    sys.argv = ["leasebeat"]
    sys.path[:] = [folder, *(entry for entry in path if entry != folder)]
    os.chdir(folder)
    ending = CANNOT_ANSWER
    try:
        for line in orders:
            order = json.loads(line)
            answers.write(f"{order['token']} {json.dumps(answer(order, folder))}\n")
            answers.flush()
        ending = 0
    finally:
        os._exit(ending)  # threads that a module started must not keep this process alive, however it ends


def answer(order: dict[str, Any], folder: str) -> list[Fault | None]:
    """What is wrong with each call of one module; nothing of what the variables hide is in it."""
    env, secrets = environment(order["env"], folder)
    name = order["module"]
    failed = wrong_import(name, env, folder)
    if failed:
        return [masked(failed, secrets)] * len(order["calls"])
    return [masked(wrong_call(name, **call), secrets) for call in order["calls"]]


def environment(told: dict[str, Any], folder: str) -> tuple[dict[str, str], list[str]]:
    """The variables to set, and which of their values are secret; a file that cannot be read gives no variable."""
    env, secrets = {}, []
    for name, value in told.items():
        if isinstance(value, str):
            env[name] = value
            continue
        text = value["secret"] if "secret" in value else content(Path(folder, value["file"]))
        if text is not None:
            env[name] = text
            secrets.extend([text, *value.get("variables", ())])
    return env, secrets


def content(file: Path) -> str | None:
    """What a run would find in the file, which may be none yet."""
    with contextlib.suppress(OSError, ValueError):
        return os.fsdecode(file.read_bytes()).rstrip("\r\n") if file.is_file() else None
    return None


def masked(found: Fault | None, secrets: list[str]) -> Fault | None:
    """The fault without the secrets that a module's exception or default values quote, as they are or as a literal."""
    forms = {form for secret in secrets for form in (secret, repr(secret)[1:-1])}
    for secret in sorted(forms, key=len, reverse=True):
        if found and len(secret) >= SHORTEST_SECRET:
            found = {part: said and said.replace(secret, "***") for part, said in found.items()}
    return found


def wrong_import(name: str, env: dict[str, str], folder: str) -> Fault | None:
    """Why there is no such module, None once it is imported; `env` are the variables that its jobs set."""
    before = dict(os.environ)
    os.environ.update(env)
    try:
        importlib.import_module(name)
    except SystemExit as error:
        return fault(f"module {name} ends the process when it is imported", _last_line(error))
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            return fault(f"no module {error.name}", _other_module(error.name, folder))
        return fault(f"module {name} fails to import", _last_line(error))
    except BaseException as error:  # noqa: BLE001 - any way to fail is an answer
        return fault(f"module {name} fails to import", _last_line(error))
    finally:
        for variable in env.keys() - before.keys():
            os.environ.pop(variable, None)
        os.environ.update(before)
    return None


def wrong_call(module: str, function: str, args: list[Any], kwargs: dict[str, Any]) -> Fault | None:
    """What is wrong with calling this function of an imported module with these arguments; None if nothing is."""
    try:
        return wrong_function(module, function, args, kwargs)
    except BaseException as error:  # noqa: BLE001 - what computes its attributes or its signature may raise anything
        return fault(f"module {module} fails to give {function}", _last_line(error))


def wrong_function(module: str, name: str, args: list[Any], kwargs: dict[str, Any]) -> Fault | None:
    """The same, where foreign code may raise anything."""
    function: Any = sys.modules[module]
    for part in name.split("."):
        if not hasattr(function, part):
            return fault(f"module {module} has no function {name}", _other_name(function, name, part))
        function = getattr(function, part)
    if not callable(function):
        return fault(f"{module}:{name} is not a function", f"it is of type {type(function).__name__}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return fault(f"{module}:{name} is a generator, which a call does not run", "does it need its yield?")
    return wrong_arguments(function, name, args, kwargs)


def wrong_arguments(
    function: Callable[..., object], name: str, args: list[Any], kwargs: dict[str, Any]
) -> Fault | None:
    """What is wrong with the arguments, where a parameter named `run` gets its value when the job runs."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C do not say
        return None
    run = signature.parameters.get("run")
    if run and run.kind not in (run.VAR_POSITIONAL, run.VAR_KEYWORD) and "run" not in kwargs:
        place = list(signature.parameters).index("run")
        if run.kind is not run.KEYWORD_ONLY and place <= len(args):
            args = [*args[:place], None, *args[place:]]
        else:
            kwargs = {**kwargs, "run": None}
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return _unknown_argument(signature, name, kwargs) or fault(
            str(error), f"the function is {name}{signature}", "arguments"
        )
    return None


def _unknown_argument(signature: inspect.Signature, name: str, kwargs: dict[str, Any]) -> Fault | None:
    """The first argument that the function has no parameter for, and the one that was probably meant."""
    named = [one.name for one in signature.parameters.values() if one.kind is not one.POSITIONAL_ONLY]
    unknown = next((argument for argument in kwargs if argument not in named), None)
    if unknown is None or any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values()):
        return None
    near = get_close_matches(unknown, [known for known in named if known not in kwargs], n=1)
    hint = f"did you mean {near[0]}?" if near else f"the function is {name}{signature}"
    return fault(f"{name}() takes no argument {unknown}", hint, "arguments")


def fault(message: str, hint: str | None, code: str = "import") -> Fault:
    """One thing that is wrong."""
    return {"message": message, "hint": hint, "code": code}


def _last_line(error: BaseException) -> str:
    try:
        return traceback.format_exception_only(error)[-1].strip()
    except BaseException:  # noqa: BLE001 - a foreign __str__ may raise anything
        return type(error).__name__


def _other_name(holder: Any, name: str, missing: str) -> str | None:
    """The name whose last part was probably meant otherwise."""
    names = getattr(holder, "__dict__", {})
    functions = [known for known, value in names.items() if callable(value) and not known.startswith("_")]
    near = get_close_matches(missing, functions, n=1)
    before = name[: len(name) - len(missing)] if name.endswith(missing) else ""
    return f"did you mean {before}{near[0]}?" if near else None


def _other_module(missing: str, folder: str) -> str:
    """The module that was probably meant, or where was looked."""
    package, _, name = missing.rpartition(".")
    near = get_close_matches(name, sorted(set(_modules(package, folder))), n=1)
    if near:
        return f"did you mean {f'{package}.{near[0]}' if package else near[0]}?"
    return f"looked in {folder}, then in PYTHONPATH"


def _modules(package: str, folder: str) -> Iterable[str]:
    places = getattr(sys.modules.get(package), "__path__", []) if package else sys.path
    yield from (module.name for module in pkgutil.iter_modules(places))
    if not package:
        with contextlib.suppress(OSError):
            yield from (entry.name for entry in Path(folder).iterdir() if entry.is_dir() and entry.name.isidentifier())


if __name__ == "__main__":
    main()
