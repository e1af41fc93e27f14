"""Bad weather over very many ticks, and a judge who knows nothing of the program."""
