"""Says who leads this release and that it renews, as the pods' own service account sees it; fails if nobody does.

Stands alone, on the standard library: `helm test` gives it to the image's Python as text, with the Lease's name and how
many seconds to wait.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def lease_url(name: str) -> str:
    """Where the API server keeps the Lease of this pod's namespace."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    namespace = os.environ["POD_NAMESPACE"]
    return f"https://{authority}/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"


def look(url: str, trust: ssl.SSLContext) -> tuple[str, str]:
    """Who holds the Lease, and when it was renewed last; raises OSError where that cannot be read."""
    token = (ACCOUNT / "token").read_text()
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, context=trust, timeout=5) as reply:
        lease = json.load(reply)
    if "leasebeat/ledger" not in lease["metadata"].get("annotations", {}):
        return "another program (there is no annotation leasebeat/ledger)", ""
    holder = lease["spec"].get("holderIdentity")
    return (holder, lease["spec"]["renewTime"]) if holder else ("nobody", "")


def main(name: str, timeout_s: float) -> str | None:
    """What is wrong, or None once one replica was seen to renew."""
    url, trust = lease_url(name), ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    first, problem, deadline = ("", ""), "", time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            holder, renewed = look(url, trust)
        except OSError as error:
            problem = str(error)
        else:
            if holder == first[0] and renewed > first[1]:
                print(f"{holder} leads, and renewed at {renewed}")
                return None
            if holder != first[0]:
                first = holder, renewed
            problem = f"held by {holder}" + (f", renewed at {renewed}" if renewed else "")
        time.sleep(0.5)
    return f"no leader was seen to renew Lease {name} within {timeout_s:g} s: {problem}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
