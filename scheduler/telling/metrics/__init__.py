"""What Prometheus asks for: counted as the log is told, told when it scrapes."""
