"""leasebeat: a singleton scheduler for Kubernetes; one replica leads, and every tick is accounted for."""

__version__ = "0.1.0"
