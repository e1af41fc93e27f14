"""The kinds of value that config.yaml holds."""
