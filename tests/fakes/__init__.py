"""Fakes at the ports, shared by the suites."""
