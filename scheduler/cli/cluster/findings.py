"""What may be wrong with a cluster, in sentences, each with the way out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from scheduler.cli.lease_state import LONGEST_NAME, LeaseState
from scheduler.cluster.access import Access
from scheduler.cluster.answers import JsonObject
from scheduler.cluster.permissions import Account
from scheduler.cluster.resource import Resource
from scheduler.config.mistakes import printable
from scheduler.core.errors import StoreError
from scheduler.core.ledger import ANNOTATION

CANNOT_ASK = "cluster"
OLD_LOCK = "control-plane.alpha.kubernetes.io/leader"
_ROLE_PASTED = "kubectl apply -f - <<'END'                      # paste this; it grants exactly what is needed"
_FOR_JOBS = (
    "{apiGroups: [batch], resources: [jobs], verbs: [create, get, list, watch, delete]}",
    '{apiGroups: [""], resources: [pods], verbs: [list]}',
    '{apiGroups: [""], resources: [pods/log], verbs: [get]}',
)
_PLAIN_IN_YAML = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)\Z)[a-z][a-z0-9.-]*")
_NOT_THERE = ("connection refused", "timeout", "no connection", "the server's name cannot be resolved")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `hint` is a sentence; `paste` are lines for a shell, shown as they are."""

    message: str
    code: str
    hint: str | None = None
    warning: bool = False
    paste: str | None = None

    @property
    def text(self) -> str:
        """As people read it."""
        first = f"{'warning' if self.warning else 'error'}: {self.message} [{self.code}]"
        return "\n".join([first, *([f"  {self.hint}"] if self.hint else []), *([self.paste] if self.paste else [])])

    @property
    def facts(self) -> JsonObject:
        """As machines read it; the fields are those of a problem of the file, but the place."""
        names = ("code", "message", "hint", "warning", "paste")
        return {name: getattr(self, name) for name in names}


def unreachable(access: Access, error: StoreError) -> Finding:
    """No answer from the API server, or none for this account."""
    said, hint = str(error), error.hint
    if said.startswith(_NOT_THERE):
        hint = "is the VPN up?" if access.choices else "does a NetworkPolicy keep this pod from the API server?"
    elif hint and hint.startswith("tried "):
        hint = None
    refused = " refused the connection" if said == "connection refused" else f": {said}"
    hints = [part for part in (hint, access.choices) if part]
    sentences = [part if part.endswith(("?", ".")) else f"{part}." for part in hints]
    return Finding(f"no cluster: {access.label}{refused}", CANNOT_ASK, " ".join(sentences) or None)


def forbidden(account: Account | None, missing: Sequence[str], lease: Resource, *, jobs: bool = False) -> Finding:
    """Permissions that are missing, and the Role that grants all that is needed. Without `watch` one can live.

    With `jobs` the table makes Kubernetes Jobs.
    """
    return Finding(
        f"{who(account)} may not {', '.join(missing)} {lease} (403)",
        "rbac",
        "without watch the standbys poll" if list(missing) == ["watch"] else None,
        warning=list(missing) == ["watch"],
        paste=role(account, lease, jobs=jobs),
    )


def who(account: Account | None) -> str:
    """The account, in a sentence."""
    return printable(str(account), LONGEST_NAME) if account else "this account"


def role(account: Account | None, lease: Resource, *, jobs: bool = False) -> str:
    """The commands that grant this account exactly what a replica needs, with `jobs` one that makes Kubernetes Jobs."""
    name, namespace = _yaml(lease.name), _yaml(lease.namespace)
    leases = "{apiGroups: [coordination.k8s.io], resources: [leases]"
    shell_name, shell_namespace = shlex.quote(lease.name), shlex.quote(lease.namespace)
    head = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: "
    rules = [
        f"{leases}, verbs: [create]}}",
        f"{leases}, resourceNames: [{name}], verbs: [get, update, watch]}}",
        *(_FOR_JOBS if jobs else ()),
    ]
    return "\n".join(
        [
            _ROLE_PASTED,
            f"{head}{{name: {name}, namespace: {namespace}}}, rules: [",
            ",\n".join(f"  {rule}" for rule in rules) + "]}",
            "END",
            f"kubectl -n {shell_namespace} create rolebinding {shell_name} --role={shell_name} {_subject(account)}",
        ]
    )


def _subject(account: Account | None) -> str:
    if account is None:
        return "--serviceaccount=NAMESPACE:NAME      # the account that leasebeat runs as"
    if account.namespace:
        return f"--serviceaccount={shlex.quote(f'{account.namespace}:{account.name}')}"
    return f"--user={shlex.quote(account.name)}"


def no_namespace(namespace: str) -> Finding:
    """The place that the Lease would be in does not exist."""
    hint = f"kubectl create namespace {shlex.quote(namespace)}; or choose another by -n or lease.namespace"
    return Finding(f"there is no namespace {printable(namespace, LONGEST_NAME)}", "namespace", hint)


def of_lease(state: LeaseState, lease: Resource) -> Finding | None:
    """What speaks against contending for this Lease."""
    delete = f"kubectl -n {lease.namespace} delete lease {lease.name}"
    match state.word:
        case "foreign":
            held = f'is held by "{state.holder}"' if state.holder else "was given back by another program"
            whose = ", which is not leasebeat" if state.holder else ""
            return Finding(
                f"{lease} {held}{whose}: no annotation {ANNOTATION}",
                "foreign-lease",
                f"choose another lease.name; a left-over: {delete}; shared on purpose: lease.adopt: true. "
                "Until then it is left alone, even expired.",
            )
        case "newer":
            message = f"{lease} was written by a newer leasebeat: ledger format {state.format}"
            return Finding(message, "newer-ledger", "upgrade this one; it stands by until then, and cannot lead")
        case "damaged":
            hint = (
                "it counts as lost: a leader begins anew, after a lease duration, and says what cannot be accounted for"
            )
            return Finding(f"the ledger of {lease} cannot be read", "ledger", hint, warning=True)
    return None


def old_lock(lock: Resource, holder: str) -> Finding:
    """An election that knows nothing of Leases may go on under this name."""
    whose = f', held by "{printable(holder, LONGEST_NAME)}"' if holder else ""
    kind = lock.kind.lower()
    return Finding(
        f"{lock} has an annotation {OLD_LOCK}{whose}: a lock of an elector that does not look at Leases",
        "old-lock",
        "stop that program before leasebeat takes over its work; "
        f"a left-over: kubectl -n {lock.namespace} annotate {kind} {lock.name} {OLD_LOCK}-",
        warning=True,
    )


def clocks(ahead: timedelta) -> Finding:
    """The two clocks differ by more than ticks can bear."""
    seconds = ahead.total_seconds()
    where = "ahead of" if seconds > 0 else "behind"
    hint = "jobs start by this machine's clock; look at NTP, here and there"
    return Finding(
        f"this machine's clock is {abs(seconds):.0f} s {where} the API server's", "clock", hint, warning=True
    )


def _yaml(name: str) -> str:
    """The name as a scalar that YAML reads as text."""
    return name if _PLAIN_IN_YAML.fullmatch(name) else f'"{name}"'
