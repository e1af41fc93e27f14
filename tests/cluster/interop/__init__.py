"""Electors of other makes, and a contest between them and leasebeat."""
