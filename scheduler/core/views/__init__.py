"""What is seen of the Lease, the table and a run from outside."""
