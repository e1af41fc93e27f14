"""Real `leasebeat run` processes, for the suites that kill and freeze them."""
