"""A Lease API with what `check --cluster` asks besides: reviews of an account, namespaces and the objects in them.

with ClusterApi() as api:
    api.granted -= {"watch"}                 # what the account may do with Leases
    api.objects["ConfigMap", "beat"] = {...}  # what it may look at; without this kind in `visible` that is a 403
"""

from __future__ import annotations

from tests.fakes.lease_api import LeaseApi, Request
from tests.fakes.leases import JsonObject, Refused

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
KINDS = {"configmaps": "ConfigMap", "endpoints": "Endpoints", "namespaces": "Namespace"}
SERVICE_ACCOUNT = "system:serviceaccount:ops:beat-leasebeat"


class ClusterApi(LeaseApi):
    """`username` None is a server that knows no reviews of who asks, `reviews` False one that refuses all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.granted = {"create", "get", "update", "watch"}
        self.username: str | None = SERVICE_ACCOUNT
        self.reviews = True
        self.visible: set[str] = set(KINDS.values())
        self.objects: dict[tuple[str, str], JsonObject] = {("Namespace", "ops"): {}}
        self.asked: list[JsonObject] = []

    def beyond_leases(self, request: Request) -> tuple[int, JsonObject] | None:
        if request.path in (REVIEWS, WHO):
            return self._review(request)
        if request.path.startswith("/api/v1/"):
            return 200, self._object(request.path)
        return None

    def _review(self, request: Request) -> tuple[int, JsonObject]:
        if not self.reviews or (request.path == WHO and self.username is None):
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        if request.path == WHO:
            return 201, {**request.body, "status": {"userInfo": {"username": self.username}}}
        asked = request.body["spec"]["resourceAttributes"]
        self.asked.append(asked)
        return 201, {**request.body, "status": {"allowed": asked["verb"] in self.granted}}

    def _object(self, path: str) -> JsonObject:
        *_, plural, name = path.split("/")
        kind = KINDS[plural]
        if kind not in self.visible:
            message = f'{plural} "{name}" is forbidden: User "{self.username}" cannot get resource "{plural}"'
            raise Refused(403, "Forbidden", message)
        if (kind, name) not in self.objects:
            raise Refused(404, "NotFound", f'{plural} "{name}" not found', {"name": name, "kind": plural})
        return {"kind": kind, "metadata": {"name": name}, **self.objects[kind, name]}
