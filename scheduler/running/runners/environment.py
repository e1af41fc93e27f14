"""The environment that a run finds beside what it inherits: the facts of the run, and its job's own variables.

A variable that refers to a file is read here, in the run's own process, at the run's start: what is mounted there may
have been renewed since the leader started, and a file system that hangs holds up nothing but this run.
"""

from __future__ import annotations

from scheduler import referred_files
from scheduler.referred_files import Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:  # the supervisor's processes stay small
    from scheduler.running.supervisor.wire import Start


def environment_of(order: Start, folder: str) -> dict[str, str]:
    """The variables of this run; paths are as seen from `folder`. Raises Unreadable."""
    own = order.env.items()
    read = {name: value if isinstance(value, str) else content_of(name, value["file"], folder) for name, value in own}
    return read | order.facts()


def content_of(name: str, path: str, folder: str, *, utf8: bool = False) -> str:
    """What `referred_files` finds in the file; `name` is what refers to it. Raises Unreadable, with the name."""
    try:
        return referred_files.content_of(path, folder, utf8=utf8)
    except Unreadable as error:
        raise Unreadable(f"{name}: {error}") from None
