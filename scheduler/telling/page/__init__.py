"""What became of each job and what comes next, as a page and as JSON: heard from the log, asked for over HTTP."""
