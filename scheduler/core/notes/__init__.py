"""What people and replicas write on the Lease for one another, beside the ledger."""
