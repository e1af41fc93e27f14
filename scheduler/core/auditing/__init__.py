"""What logs say became of each tick, held against the schedules."""
