"""What one write decides about ticks, runs and commands."""
