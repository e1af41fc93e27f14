"""A `celery` action, in a worker: one task, handed to the broker. What becomes of it is Celery's affair.

The task's id is the run id, on every attempt. A message is sent once: neither Celery's nor the transport's own
repetitions are used, since the broker may have taken what it did not confirm, and Celery runs a task as often as it
was sent. The connection is kept for a while, and made anew when it might have gone stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from celery import Celery
from celery.exceptions import OperationalError

from scheduler.core.actions import CeleryAction
from scheduler.running.runners.call import RunFailure
from scheduler.running.runners.values import Values
from scheduler.running.runners.waiting import Progress, heedful
from scheduler.running.supervisor.times import boot_now

_KEPT_S = 30.0  # without use: brokers and NATs drop what is silent for minutes, and heartbeats need a loop
_PATIENCE_S = 10.0
_TRANSPORT_OPTIONS: dict[str, dict[str, object]] = {
    "amqp": {"confirm_publish": True, "read_timeout": _PATIENCE_S, "write_timeout": _PATIENCE_S},
    "redis": {"socket_connect_timeout": _PATIENCE_S, "socket_timeout": _PATIENCE_S, "socket_keepalive": True},
}

_progress = Progress()


def publish(action: CeleryAction, task_id: str, facts: Mapping[str, object]) -> None:
    """Send the task; RunFailure when the broker did not say that it has it. `facts` become headers of the message."""
    values = Values()

    def send() -> None:
        broker = values.text("broker", action.broker)
        if broker not in _senders:
            _senders[broker] = Sender(broker)
        _senders[broker].send(action, task_id, facts, values)

    try:
        heedful(send, _progress)
    except RunFailure as failure:
        raise RunFailure(failure.reason, values.shown(str(failure))) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, its words may quote the broker's URL
        raise RunFailure("exception", values.shown(f"{type(error).__name__}: {error}")) from None


class Sender:
    """Sends tasks to the broker at this URL."""

    def __init__(self, broker: str) -> None:
        self._app = _App(broker)
        self._connection: Any = None
        self._producer: Any = None
        self._kept_until = 0.0

    def send(self, action: CeleryAction, task_id: str, facts: Mapping[str, object], values: Values) -> None:
        """Send it; RunFailure when that fails, after which the next one begins with a new connection."""
        try:
            producer = self._fresh_producer(values)
            _progress.doing = "waiting for the broker to take the task"
            options = dict(action.options)
            own = options.pop("headers", None)
            headers = {**(own if isinstance(own, dict) else {}), **facts}
            sent = {"task_id": task_id, "producer": producer, "headers": headers, "retry": False}
            self._app.send_task(action.task, list(action.args), dict(action.kwargs), **options, **sent)
        except Exception as error:
            reason = self._reason_of(error)
            self._let_go()
            raise RunFailure(reason, f"{_progress.doing}: {_words(error)}") from error
        self._kept_until = boot_now() + _KEPT_S

    def _fresh_producer(self, values: Values) -> Any:
        """One whose connection has just been made, or has just answered: opening a channel of AMQP asks the broker.

        The clients of other brokers look whether their socket is closed before they use it, so a channel is kept there.
        """
        _progress.doing = "connecting to the broker"
        if self._connection and boot_now() >= self._kept_until:
            self._let_go()
        if self._connection and not self._has_channels:
            return self._producer
        if self._connection:
            with suppress(Exception):  # it is gone, and a new one is made
                return self._new_producer()
            self._let_go()
        self._connection = self._app.connection_for_write()
        values.hide(str(self._connection.password or ""))
        self._connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        return self._new_producer()

    def _new_producer(self) -> Any:
        if self._producer:
            self._producer.channel.close()
        self._producer = self._app.amqp.Producer(self._connection.channel(), auto_declare=False)
        return self._producer

    @property
    def _has_channels(self) -> bool:
        """Whether a connection's channels are the broker's own, and cheap."""
        return bool(self._connection.transport.driver_type == "amqp")

    def _let_go(self) -> None:
        with suppress(Exception):  # it may be in any state
            self._connection.collect(socket_timeout=1)
        self._connection = self._producer = None

    def _reason_of(self, error: Exception) -> str:
        """Why it failed, as a run's `reason`."""
        cause = error.__cause__ if isinstance(error, OperationalError) and error.__cause__ else error
        connects, opens = (), ()
        if self._connection:
            connects, opens = self._connection.connection_errors, self._connection.channel_errors
        if isinstance(cause, (*connects, OSError)):
            return "connect"
        if isinstance(cause, opens) or not isinstance(error, OperationalError):
            return "rejected"
        return "connect"


class _App(Celery):  # type: ignore[misc] # ships no types
    """A Celery of its own defaults that knows one broker and wants no results, whatever its variables say."""

    backend_cls = "disabled"  # a result backend would be connected to before anything is sent

    def __init__(self, broker: str) -> None:
        super().__init__("leasebeat", broker=broker, set_as_current=False)
        self._broker = broker
        self.conf.broker_connection_timeout = _PATIENCE_S

    def connection_for_write(self, url: str | None = None, **more: Any) -> Any:
        """A connection to this broker, not made yet."""
        url = url or self._broker
        scheme = url.partition(":")[0].partition("+")[0]
        family = {"pyamqp": "amqp", "amqps": "amqp", "rediss": "redis"}.get(scheme, scheme)
        more.setdefault("transport_options", _TRANSPORT_OPTIONS.get(family, {}))
        return super().connection_for_write(url, **more)


def _words(error: BaseException) -> str:
    while inner := error.__cause__:
        error = inner
    return str(error) or type(error).__name__


_senders: dict[str, Sender] = {}
