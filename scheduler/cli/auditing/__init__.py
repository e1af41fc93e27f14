"""Logs read into the accounts of an audit, and its report."""
