"""How this process may reach an API server: as a pod by its service account, elsewhere by a context of a kubeconfig.

Both use the official client's loaders, so client certificates, tokens, `exec` plugins, proxies and merged kubeconfigs
mean here what they mean to kubectl and to every other Python client. What is wrong with the choice itself, such as a
context that does not exist, is a `ClusterError` at once; what can mend itself, such as a token that is not there yet,
is found when a request needs it and fails only that request.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_kube_config
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.config.kube_config import KubeConfigMerger

from scheduler.cluster.answers import JsonObject, without_values
from scheduler.cluster.pod import Pod
from scheduler.core.errors import ClusterError

DEFAULT_KUBECONFIG = "~/.kube/config"
DEFAULT_NAMESPACE = "default"
NO_CLUSTER_NEEDED = "Without --context the sqlite store is used and no cluster is needed."


@dataclass(frozen=True, slots=True)
class Access:
    """One way to one API server.

    `label` names it to people: `context prod (https://10.0.0.1:6443)`. `namespace` is the one to use where none is
    given. `load` makes the client's configuration anew, reading every file again; it raises whatever the loader
    raises. `choices` tells what else could have been chosen, as a hint for people.
    """

    label: str
    namespace: str
    load: Callable[[], Configuration]
    choices: str | None = None


def chosen_access(kubeconfig: str | None, context: str | None) -> Access:
    """The way that was asked for; if none was, a pod's own account in a pod, and the current context elsewhere.

    Raises `ClusterError`.
    """
    pod = Pod()
    return pod_access(pod) if pod.exists and not (kubeconfig or context) else kubeconfig_access(kubeconfig, context)


def pod_access(pod: Pod) -> Access:
    """The way of the pod's service account; `ClusterError` where the environment names no API server."""
    loader = InClusterConfigLoader(pod.token, pod.authority, try_refresh_token=False, environ=pod.environ)
    host, port = pod.environ.get("KUBERNETES_SERVICE_HOST"), pod.environ.get("KUBERNETES_SERVICE_PORT")
    if not (host and port):
        raise ClusterError("no cluster: this is no pod", "outside a pod choose a cluster by --context or --kubeconfig")

    def load() -> Configuration:
        configuration = Configuration()
        token = _TokenFile(pod.token, loader)
        token.refresh(configuration)
        configuration.refresh_api_key_hook = token.refresh
        return configuration

    return Access(f"service account of the pod ({host}:{port})", pod.namespace or DEFAULT_NAMESPACE, load)


class _TokenFile:
    """Reads the service account's token again when its file has changed.

    The official hook looks once a minute by the wall clock, which a step of that clock can stop for hours.
    """

    def __init__(self, path: Path, loader: InClusterConfigLoader) -> None:
        self._path = path
        self._loader = loader
        self._read: tuple[int, int, int] | None = None

    def refresh(self, configuration: Configuration) -> None:
        """Called by the client before each request; a file that is missing raises and so fails that request alone."""
        # The kubelet swaps a symbolic link, so the inode tells what a coarse modification time may not.
        found = self._path.stat()
        state = found.st_ino, found.st_mtime_ns, found.st_size
        if state != self._read:
            self._loader.load_and_set(configuration)
            self._read = state


def kubeconfig_access(kubeconfig: str | None, context: str | None) -> Access:
    """The way of one context, the current one if none is named; of `kubeconfig`, `$KUBECONFIG` or `~/.kube/config`.

    Raises `ClusterError`, whose hint lists the contexts there are.
    """
    place = kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    choices = _choices(place)
    hint = f"Your contexts: {', '.join(choices.contexts) or 'none'}. {NO_CLUSTER_NEEDED}"
    name = context or choices.current
    if not name:
        raise ClusterError(f"no cluster: {place} has no current context", hint)
    if name not in choices.contexts:
        raise ClusterError(f"no cluster: there is no context {name} in {place}", hint)
    chosen = choices.contexts[name]
    server = choices.servers.get(chosen.get("cluster", ""))
    if not server:
        raise ClusterError(f"no cluster: context {name} in {place} names no server", hint)

    def load() -> Configuration:
        configuration = Configuration()
        load_kube_config(config_file=place, context=name, client_configuration=configuration)
        return configuration

    return Access(f"context {name} ({server})", chosen.get("namespace") or DEFAULT_NAMESPACE, load, hint)


class _Choices(NamedTuple):
    """What a kubeconfig offers: contexts and servers by name, and the context that is used when none is named."""

    contexts: dict[str, JsonObject]
    servers: dict[str, str | None]
    current: str | None


def _choices(place: str) -> _Choices:
    """Read a kubeconfig, or several merged as kubectl merges them."""
    try:
        merged = KubeConfigMerger(place).config
        if merged is not None:
            contexts = {entry.value["name"]: dict(entry.value["context"]) for entry in merged.value["contexts"]}
            servers = {entry.value["name"]: entry.value["cluster"].get("server") for entry in merged.value["clusters"]}
            return _Choices(contexts, servers, merged.value.get("current-context"))
    except ConfigException as error:
        raise ClusterError(f"no cluster: {place}: {without_values(error)}", NO_CLUSTER_NEEDED) from None
    except Exception as error:  # noqa: BLE001 - a broken file may raise anything in the client's loader
        what = f"kubeconfig {place} cannot be read ({type(error).__name__})"
        raise ClusterError(f"no cluster: {what}", NO_CLUSTER_NEEDED) from None
    raise ClusterError(f"no cluster: there is no kubeconfig {place}", NO_CLUSTER_NEEDED)
