"""The Python functions that jobs in config.yaml call; yours go here, or beside config.yaml, or on PYTHONPATH."""
