"""The keys of config.yaml, as models: what each may hold, its default and its description."""
