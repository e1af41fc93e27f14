"""The image: what is in its archive, and how it runs as a pod that may do nothing."""
