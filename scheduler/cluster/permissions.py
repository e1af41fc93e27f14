"""What an account is called and what it may do, in the API server's own judgement.

Asked by reviews (authorization.k8s.io and authentication.k8s.io, v1), which every account that is logged in may make
and which change nothing. All authorizers have their say in them, not RBAC alone.
"""

from __future__ import annotations

from typing import NamedTuple

from scheduler.cluster.answers import JsonObject
from scheduler.cluster.api import ApiServer
from scheduler.cluster.resource import Resource
from scheduler.core.errors import StoreError

_ACCESS = Resource("authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", "", "")
_WHO = Resource("authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews", "", "")
_SERVICE_ACCOUNT = "system:serviceaccount:"


class Account(NamedTuple):
    """Whom the API server takes us for: a service account of `namespace`, or a user where that is empty."""

    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"service account {self.namespace}/{self.name}" if self.namespace else f"user {self.name}"


def may(api: ApiServer, verb: str, resource: Resource, timeout_s: float) -> bool:
    """Whether this account may do so; raises StoreError where the server gives no answer.

    `create` is judged without the object's name, which a Role cannot grant by name; without any name, all are meant.
    """
    group = resource.api.rpartition("/")[0]
    asked = {"namespace": resource.namespace, "verb": verb, "group": group, "resource": resource.plural}
    if resource.part:
        asked["subresource"] = resource.part
    if verb != "create" and resource.name:
        asked["name"] = resource.name
    review = api.create(_ACCESS, _review(_ACCESS, {"spec": {"resourceAttributes": asked}}), timeout_s)
    return bool((review.get("status") or {}).get("allowed"))


def account(api: ApiServer, timeout_s: float) -> Account | None:
    """Who asks; None where the server does not say, as those before 1.28."""
    try:
        review = api.create(_WHO, _review(_WHO, {}), timeout_s)
    except StoreError:
        return None
    user = (review.get("status") or {}).get("userInfo") or {}
    return account_of(str(user.get("username") or ""))


def account_of(username: str) -> Account | None:
    """The account with this name in the API server's words: `system:serviceaccount:ops:beat`, or a user's name."""
    namespace, _, name = username.removeprefix(_SERVICE_ACCOUNT).partition(":")
    if username.startswith(_SERVICE_ACCOUNT) and namespace and name:
        return Account(name, namespace)
    return Account(username) if username else None


def _review(resource: Resource, content: JsonObject) -> JsonObject:
    return {"apiVersion": resource.api, "kind": resource.kind, **content}
