"""Looking for files that break the reader of config.yaml: `make fuzz`."""
