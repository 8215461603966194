"""etcd, API server, controllers, scheduler and kwok: a Kubernetes without kubelets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.lab import pki
from tests.lab.api import Api, ApiError, connect, connect_as, encoded, write_kubeconfig
from tests.lab.binaries import Binaries
from tests.lab.processes import LOOPBACK, Processes
from tests.lab.waiting import until

ISSUER = "https://kubernetes.default.svc"

_READY_WITHIN = 120.0
# Without the first no pod is admitted; the second is the last that controllers make by themselves.
_FIRST_OBJECTS = ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
# A lab creates in seconds what a cluster grows over months; the defaults would ration it to a trickle.
_SERVED = ("--bind-address", LOOPBACK, "--leader-elect=false", "--kube-api-qps", "1000", "--kube-api-burst", "2000")


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A ready control plane; ``kubeconfig`` is the administrator's."""

    kubeconfig: Path
    api: Api
    ca: Path

    def kubeconfig_for(self, namespace: str, account: str) -> Path:
        """Write a kubeconfig with a ServiceAccount's own token (one hour), beside the administrator's."""
        target = self.kubeconfig.with_name(f"kubeconfig-{namespace}-{account}")
        return write_kubeconfig(target, self.api.url, self.ca, {"token": self.token(namespace, account)})

    def api_for(self, namespace: str, account: str) -> Api:
        """Plain requests with a ServiceAccount's own token (one hour); raises ApiError."""
        return connect_as(self.api.url, self.ca, self.token(namespace, account))

    def token(self, namespace: str, account: str) -> str:
        """A ServiceAccount's own token (one hour), as TokenRequest gives it; raises ApiError."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return str(self.api.post(path, {"spec": {"expirationSeconds": 3600}})["status"]["token"])


def start(binaries: Binaries, processes: Processes, data: Path, controllers: str) -> ControlPlane:
    """Start everything, with its files in ``data``, and wait until pods can be created.

    ``controllers`` says which of them run, in kube-controller-manager's own words. Raises LabError when a part ends
    by itself or is not ready within two minutes.
    """
    keys = pki.write(data / "pki")
    etcd_url = _start_etcd(binaries, processes, data)
    port = processes.free_port()
    url = f"https://{LOOPBACK}:{port}"
    processes.start("kube-apiserver", [binaries.apiserver, *_apiserver_flags(keys, etcd_url, port)])
    admin = {"client-certificate-data": encoded(keys.admin_cert), "client-key-data": encoded(keys.admin_key)}
    plane = ControlPlane(write_kubeconfig(data / "kubeconfig", url, keys.ca, admin), connect(url, keys), keys.ca)
    until("the API server gets ready", lambda: _api_pending(plane.api, processes), _READY_WITHIN)
    _start_controllers(binaries, processes, plane.kubeconfig, keys, controllers)
    _start_clients(binaries, processes, plane.kubeconfig)
    until("the controllers get ready", lambda: _controllers_pending(plane.api, processes), _READY_WITHIN)
    return plane


def _start_etcd(binaries: Binaries, processes: Processes, data: Path) -> str:
    client = f"http://{LOOPBACK}:{processes.free_port()}"
    peer = f"http://{LOOPBACK}:{processes.free_port()}"
    flags = {
        "--data-dir": str(data / "etcd"),
        "--listen-client-urls": client,
        "--advertise-client-urls": client,
        "--listen-peer-urls": peer,
        "--initial-advertise-peer-urls": peer,
        "--initial-cluster": f"default={peer}",
        "--quota-backend-bytes": str(4 << 30),
    }
    processes.start("etcd", [binaries.etcd, *_flat(flags), "--unsafe-no-fsync"])
    return client


def _apiserver_flags(keys: pki.Pki, etcd_url: str, port: int) -> list[str]:
    flags = {
        "--etcd-servers": etcd_url,
        "--bind-address": LOOPBACK,
        "--advertise-address": LOOPBACK,
        "--secure-port": str(port),
        "--tls-cert-file": str(keys.server_cert),
        "--tls-private-key-file": str(keys.server_key),
        "--client-ca-file": str(keys.ca),
        "--service-account-key-file": str(keys.accounts_public),
        "--service-account-signing-key-file": str(keys.accounts_private),
        "--service-account-issuer": ISSUER,
        "--service-cluster-ip-range": "10.96.0.0/16",
        "--authorization-mode": "RBAC",
        "--delete-collection-workers": "8",
        "--max-requests-inflight": "3000",
        "--max-mutating-requests-inflight": "1500",
    }
    return _flat(flags)


def _start_controllers(
    binaries: Binaries, processes: Processes, kubeconfig: Path, keys: pki.Pki, controllers: str
) -> None:
    flags = {
        "--kubeconfig": str(kubeconfig),
        "--controllers": controllers,
        "--service-account-private-key-file": str(keys.accounts_private),
        "--root-ca-file": str(keys.ca),
        "--secure-port": str(processes.free_port()),
    }
    own = [*_flat(flags), "--use-service-account-credentials", *_SERVED]
    processes.start("kube-controller-manager", [binaries.controllers, *own])


def _start_clients(binaries: Binaries, processes: Processes, kubeconfig: Path) -> None:
    shared = ("--kubeconfig", str(kubeconfig))
    port = ("--secure-port", str(processes.free_port()))
    processes.start("kube-scheduler", [binaries.scheduler, *shared, *port, *_SERVED])
    stages = chain.from_iterable(("--config", str(path)) for path in binaries.stages)
    nodes = ("--manage-all-nodes=true", "--node-lease-duration-seconds", "40", "--cidr", "10.244.0.0/16")
    processes.start("kwok", [binaries.kwok, *shared, *nodes, *stages])


def _api_pending(api: Api, processes: Processes) -> str:
    processes.ensure_alive()
    try:
        reply = api.session.get(f"{api.url}/readyz", timeout=5.0)
    except OSError:
        return "kube-apiserver does not answer yet"
    return "" if reply.text == "ok" else reply.text.strip()


def _controllers_pending(api: Api, processes: Processes) -> str:
    processes.ensure_alive()
    for name in _FIRST_OBJECTS:
        try:
            api.get(f"/api/v1/namespaces/default/{name}")
        except ApiError as error:
            if error.status != 404:
                raise
            return f"{name} in the namespace default"
    return ""


def _flat(flags: dict[str, str]) -> list[str]:
    return [part for flag in flags.items() for part in flag]
