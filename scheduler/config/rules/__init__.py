"""What keys that are sound by themselves may not say together, and what is allowed but probably not meant."""
