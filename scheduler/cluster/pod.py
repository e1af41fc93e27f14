"""What the kubelet tells a process that runs in a pod.

Cheap to import, because it decides whether the Kubernetes client is needed at all. Every container of a pod finds the
API server's address in its environment and, unless that was turned off, the token and the namespace of its service
account in files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Pod:
    """The surroundings of this process, were it in a pod."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    account: Path = SERVICE_ACCOUNT

    @property
    def exists(self) -> bool:
        """Whether this process runs in a pod that was given a service account."""
        return bool(self.environ.get("KUBERNETES_SERVICE_HOST")) and self.token.exists()

    @property
    def token(self) -> Path:
        """The token's file; the kubelet replaces its content before the token expires."""
        return self.account / "token"

    @property
    def authority(self) -> Path:
        """The certificates that the API server's own is signed with."""
        return self.account / "ca.crt"

    @property
    def namespace(self) -> str | None:
        """The pod's namespace, or None where no file says it."""
        try:
            return (self.account / "namespace").read_text().strip() or None
        except OSError:
            return None
