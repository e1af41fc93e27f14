"""The campaign: one loop that asks `core.lease` for the next move, makes it, and feeds the answer back."""
