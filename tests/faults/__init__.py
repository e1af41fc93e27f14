"""Faults done to real processes on a real API server, and the promise held against what the jobs say they did."""
