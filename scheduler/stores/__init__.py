"""Where the Lease lives: three stores behind one port, `LeaseStore`."""
