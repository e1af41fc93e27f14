"""`python -m scheduler.running.supervisor FD`: started by the leader, with its end of the socket as FD."""

import sys

from scheduler.running.supervisor.process import supervise

supervise(int(sys.argv[1]))
