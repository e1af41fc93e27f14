"""The address of one object in the Kubernetes API: the paths of its requests and its name in sentences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One object, whether it exists or not; `namespace` is empty for a kind that has none.

    `api` is group and version as in the object's `apiVersion` (`coordination.k8s.io/v1`, plain `v1` for the core
    group), `plural` the word in its path (`leases`), `kind` the word for people (`Lease`). `part` is what of the
    object is meant, in the API's words a subresource (`log`), where it is not the whole.
    """

    api: str
    kind: str
    plural: str
    namespace: str
    name: str
    part: str = ""

    def __str__(self) -> str:
        whole = f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}".rstrip()
        return f"{self.part} of {whole}" if self.part else whole

    @property
    def collection(self) -> str:
        """Where objects of this kind are created and watched."""
        root = "apis" if "/" in self.api else "api"
        within = f"namespaces/{self.namespace}/" if self.namespace else ""
        return f"/{root}/{self.api}/{within}{self.plural}"

    @property
    def path(self) -> str:
        """Where this very object is read and replaced."""
        return f"{self.collection}/{self.name}{f'/{self.part}' if self.part else ''}"

    @property
    def rbac(self) -> str:
        """The kind as a Role's rule names it: `leases.coordination.k8s.io`, `pods/log`."""
        group = self.api.rpartition("/")[0]
        return (f"{self.plural}.{group}" if group else self.plural) + (f"/{self.part}" if self.part else "")
