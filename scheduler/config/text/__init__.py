"""From the bytes of config.yaml to a tree of nodes that know where they stand."""
