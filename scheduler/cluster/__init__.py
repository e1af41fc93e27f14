"""The way to the API server: credentials, connection, one request function with its own deadline."""
