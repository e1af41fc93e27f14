"""`python -m scheduler` is the command `leasebeat`."""

from scheduler.cli.main import main

main()
