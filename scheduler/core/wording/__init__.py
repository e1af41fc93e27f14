"""What people read about schedules: the same thing in words, and warnings."""
