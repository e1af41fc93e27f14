"""What goes out to others as things happen: pings, notifications, Events on the Lease, spans."""
