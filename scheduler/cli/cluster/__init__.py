"""What `leasebeat check --cluster` looks at."""
