"""The job of every contender, in a module that costs a worker nothing to import."""


def no_op() -> None:
    """Do nothing."""
