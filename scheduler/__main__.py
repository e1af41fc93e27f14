"""The command `leasebeat`, also as `python -m scheduler`; a Ctrl-C while it is being loaded is no crash."""

import sys


def main() -> None:
    """Load the command line and run it."""
    try:
        from scheduler.cli.main import main as run  # noqa: PLC0415  # the loading is what may be interrupted

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
