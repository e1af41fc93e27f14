"""One file an action: what the supervisor's children do with it."""
