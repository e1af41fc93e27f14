"""Asking the leader for something, and for what it knows, from wherever a command is typed."""
