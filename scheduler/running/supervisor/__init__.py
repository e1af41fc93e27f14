"""The process that owns every run, so that a frozen or killed leader leaves none behind.

    leader (handle, link) ══ socket: orders, trust, reports ══ supervisor (process)
                                                                 ├── worker   calls Python functions, one at a time
                                                                 ├── worker   ...
                                                                 └── sh -c …  one command

The supervisor is a small Python of one thread and one loop over a selector. It imports the standard library alone and
never a line of the user's, so nothing a job does can hold it up. It is told of the trust after every accepted write
and keeps it by itself: exclusive runs die at the deadline it was given last (rule 11), and all runs die when the pipe
to the leader ends. Only if it is stopped itself does the leader see to the deadline, by killing it (`link.py`).

Every child is in a session of its own, so that a signal meant for the replica never reaches a run and a run is ended
with all that it started; and on Linux the kernel kills a child whose supervisor died. macOS has neither that signal nor
`/proc`: there a supervisor that is itself killed by force leaves its runs behind, and of a run only its process group
is ended.

What was given up: a process that leaves its run's session on purpose (`setsid`, a daemon) and whose parent is gone too
is no longer found when that run ends; it ends with the supervisor.
"""
