"""The rules, pure: no I/O, no threads, no clock. Whoever needs the time is handed it."""
