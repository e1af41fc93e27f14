"""The parts of the machine in `core/lease.py`: what it remembers, and what each of its writes says."""
