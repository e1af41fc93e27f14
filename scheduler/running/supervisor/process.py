"""The supervisor's loop: one thread, one selector, and nothing in it that can wait for a job or for the leader."""

from __future__ import annotations

import gc
import os
import selectors
import signal

from scheduler.running.supervisor import linux
from scheduler.running.supervisor.children import CHUNK_BYTES, make_room
from scheduler.running.supervisor.outbox import Outbox
from scheduler.running.supervisor.roster import Roster
from scheduler.running.supervisor.times import boot_now
from scheduler.running.supervisor.wire import (
    Decoder,
    Kill,
    KillExclusive,
    Message,
    Setup,
    StartPython,
    StartShell,
    Stop,
    Trust,
)

_NO_TRUST = Trust(gate_until=0.0, exclusive_until=0.0)
_LEFT_TO_THE_LEADER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def supervise(leader: int) -> None:
    """Be the supervisor of the leader at the other end of the socket `leader`, until that end is closed."""
    for signum in _LEFT_TO_THE_LEADER:
        signal.signal(signum, signal.SIG_IGN)
    linux.adopt_orphans()
    make_room()
    gc.freeze()  # else the collector of every child would copy the pages that it shares with this process
    decoder = Decoder()
    messages: list[Message] = []
    while not messages:
        data = os.read(leader, CHUNK_BYTES)
        if not data:
            return
        messages = decoder.feed(data)
    setup, *orders = messages
    if not isinstance(setup, Setup):
        raise TypeError(f"expected the setup first, got {setup}")
    supervisor = Supervisor(leader, setup, decoder)
    supervisor.obey(orders)
    supervisor.serve()


class Supervisor:
    """Does what the leader says and, when the leader says nothing, what it said last about the trust."""

    def __init__(self, leader: int, setup: Setup, inbox: Decoder) -> None:
        os.set_blocking(leader, False)
        self._leader = leader
        self._has_leader = True
        self._inbox = inbox
        self._outbox = Outbox(leader)
        self._trust = _NO_TRUST
        self._selector = selectors.DefaultSelector()
        self._selector.register(leader, selectors.EVENT_READ, self._hear_leader)
        self._roster = Roster(setup, self._selector, self._outbox)

    def serve(self) -> None:
        """Go on until the leader is gone; then, and also if this fails, end every run."""
        try:
            while self._has_leader:
                self._turn()
        finally:
            self._roster.end()

    def obey(self, messages: list[Message]) -> None:
        """Do what the leader says, in its order."""
        for message in messages:
            match message:
                case Trust():
                    self._trust = message
                case StartPython() | StartShell():
                    self._roster.start(message, self._trust)
                case Stop():
                    self._roster.stop(message.key)
                case Kill():
                    self._roster.kill(message.key)
                case KillExclusive():
                    self._trust = _NO_TRUST
                    self._roster.enforce(_NO_TRUST, boot_now())  # now: the next message may bring new trust

    def _turn(self) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outbox.waits else 0)
        self._selector.modify(self._leader, events, self._hear_leader)
        for key, _ in self._selector.select(self._roster.patience(self._trust, boot_now())):
            key.data()
        self._roster.enforce(self._trust, boot_now())
        self._outbox.flush()

    def _hear_leader(self) -> None:
        try:
            data = os.read(self._leader, CHUNK_BYTES)
        except BlockingIOError:  # it was only ready to be written to
            return
        except ConnectionResetError:  # it went without having read everything
            data = b""
        self._has_leader = bool(data)
        self.obey(self._inbox.feed(data))
