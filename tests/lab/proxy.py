"""A real istiod over the lab's API server, and real Envoys that ask it for their configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.lab import Lab
from tests.lab.binaries import MeshBinaries
from tests.lab.processes import LOOPBACK
from tests.lab.waiting import until

_READY_WITHIN = 60.0
_ISTIOD = "istiod"
# An Envoy as it is released has none of Istio's own filters, and here it has no certificates.
_PLAIN = {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false"}
_MESH = """\
enableAutoMtls: false
enablePrometheusMerge: false
rootNamespace: istio-system
outboundTrafficPolicy: {{mode: {mode}}}
"""
# The two tags of Istio's bootstrap that statistics of outbound calls are exported under.
_TAGS = [
    {"tag_name": "cluster_name", "regex": r"^cluster(\.(.+);)"},
    {"tag_name": "http_conn_manager_prefix", "regex": r"^http\.(((?:[_.[:digit:]\w]*));\.)"},
]
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_HTTP2 = {"@type": f"type.googleapis.com/{_OPTIONS}", "explicit_http_config": {"http2_protocol_options": {}}}


class Istiod:
    """Serves configuration to proxies, as it does in a cluster; ``close`` ends it.

    ``outbound`` is what it tells proxies to do with calls to unknown hosts, ALLOW_ANY or REGISTRY_ONLY.
    """

    def __init__(self, lab: Lab, binaries: MeshBinaries, home: Path, outbound: str = "ALLOW_ANY") -> None:
        self.lab, self.binaries, self.home = lab, binaries, home
        mesh = home / "mesh.yaml"
        mesh.write_text(_MESH.format(mode=outbound), encoding="utf-8")
        self.port, http = lab.processes.free_port(), lab.processes.free_port()
        flags = {
            "--kubeconfig": lab.kubeconfig,
            "--meshConfig": mesh,
            "--networksConfig": "/dev/null",
            "--grpcAddr": f"{LOOPBACK}:{self.port}",
            "--httpAddr": f"{LOOPBACK}:{http}",
            "--httpsAddr": "",
            "--secureGRPCAddr": "",
            "--monitoringAddr": f"{LOOPBACK}:{lab.processes.free_port()}",
            "--registries": "Kubernetes",
            "--ctrlz_port": "0",
        }
        argv = [str(binaries.istiod), "discovery", *(str(part) for flag in flags.items() for part in flag)]
        lab.processes.start(_ISTIOD, argv, {"POD_NAMESPACE": "istio-system", "POD_NAME": "istiod-0", **_PLAIN})
        until("istiod gets ready", lambda: _unready(lab, f"http://{LOOPBACK}:{http}/ready"), _READY_WITHIN)

    def close(self) -> None:
        """End it."""
        self.lab.processes.stop(_ISTIOD)


@dataclass(frozen=True, slots=True)
class Pod:
    """Whose proxy it is: what Istio's injection tells Envoy of a pod."""

    name: str
    namespace: str
    address: str
    labels: Mapping[str, str]


class Envoy:
    """The proxy of one pod; ``close`` ends it.

    It listens on the loopback address for calls to every port that Services have (``interceptionMode: NONE``), because
    nothing redirects them here. It is ready when it does so for ``port``.
    """

    def __init__(self, istiod: Istiod, pod: Pod, name: str, port: int) -> None:
        self._lab, self._name, self._port = istiod.lab, name, port
        admin = istiod.lab.processes.free_port()
        self._admin = f"http://{LOOPBACK}:{admin}"
        path = istiod.home / f"{name}.json"
        path.write_text(json.dumps(_bootstrap(pod, admin, istiod.port)), encoding="utf-8")
        argv = [str(istiod.binaries.envoy), "-c", str(path), "--concurrency", "2", "--disable-hot-restart"]
        self._lab.processes.start(name, argv)
        until(f"{name} has its configuration", self._unconfigured, _READY_WITHIN)

    def clusters(self) -> frozenset[str]:
        """The names of all outbound clusters, ``outbound|port|subset|host``."""
        found = self._get("/config_dump?resource=dynamic_active_clusters")["configs"]
        names = (str(one["cluster"]["name"]) for one in found)
        return frozenset(name for name in names if name.startswith("outbound|"))

    def hosts(self) -> frozenset[str]:
        """The hosts that it has a cluster for."""
        return frozenset(name.rpartition("|")[2] for name in self.clusters())

    def domains(self) -> frozenset[str]:
        """The names that its outbound routes know, of any port."""
        return frozenset(domain for one in self._virtual_hosts() for domain in one["domains"])

    def otherwise(self) -> frozenset[str]:
        """What its outbound routes do with names that they do not know: ``allow_any`` or ``block_all``."""
        return frozenset(one["name"] for one in self._virtual_hosts() if "*" in one["domains"])

    def allocated(self) -> int:
        """Bytes of memory in use, as Envoy counts them."""
        return int(self._get("/memory")["allocated"])

    def call(self, host: str) -> int:
        """A real request through it to ``host``, and the status of the reply. Nobody answers at the addresses of the
        lab's pods, which is 0 here: ``tried`` tells where it went."""
        url = f"http://{LOOPBACK}:{self._port}/"
        with requests.Session() as session, suppress(requests.Timeout):
            session.trust_env = False
            return session.get(url, headers={"Host": host}, timeout=1.0).status_code
        return 0

    def exported(self) -> str:
        """Its statistics as Prometheus scrapes them from a sidecar that includes them."""
        return self._read("/stats/prometheus").text

    def tried(self, cluster: str) -> int:
        """How often it looked for an endpoint of ``cluster``."""
        stats = {str(one.get("name")): one.get("value") for one in self._get("/stats?format=json&usedonly")["stats"]}
        ends = (".upstream_cx_total", ".upstream_cx_none_healthy")
        return sum(int(value or 0) for name, value in stats.items() if f".{cluster};" in name and name.endswith(ends))

    def close(self) -> None:
        """End it."""
        self._lab.processes.stop(self._name)

    def _unconfigured(self) -> str:
        self._lab.processes.ensure_alive()
        try:
            listening = self._get("/listeners?format=json").get("listener_statuses", ())
        except requests.ConnectionError:
            return "it does not answer yet"
        return "" if any(one["name"].endswith(f"_{self._port}") for one in listening) else "it has no listener yet"

    def _virtual_hosts(self) -> list[dict[str, Any]]:
        found = self._get("/config_dump?resource=dynamic_route_configs")["configs"]
        return [one for config in found for one in config["route_config"].get("virtual_hosts", ())]

    def _get(self, path: str) -> Any:
        return self._read(path).json()

    def _read(self, path: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.get(f"{self._admin}{path}", timeout=30.0)
        reply.raise_for_status()
        return reply


def _bootstrap(pod: Pod, admin: int, xds: int) -> dict[str, Any]:
    domain = f"{pod.namespace}.svc.cluster.local"
    server = {"address": {"socket_address": {"address": LOOPBACK, "port_value": xds}}}
    ads = {"ads": {}, "resource_api_version": "V3"}
    return {
        "node": {
            "id": f"sidecar~{pod.address}~{pod.name}.{pod.namespace}~{domain}",
            "cluster": f"{pod.name}.{pod.namespace}",
            "metadata": {
                "CLUSTER_ID": "Kubernetes",
                "NAMESPACE": pod.namespace,
                "ISTIO_VERSION": "1.31.0",
                "LABELS": dict(pod.labels),
                "INTERCEPTION_MODE": "NONE",
            },
        },
        "stats_config": {"use_all_default_tags": False, "stats_tags": _TAGS},
        "admin": {"address": {"socket_address": {"address": LOOPBACK, "port_value": admin}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
            },
            "cds_config": ads,
            "lds_config": ads,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "xds",
                    "type": "STATIC",
                    "connect_timeout": "5s",
                    "typed_extension_protocol_options": {_OPTIONS: _HTTP2},
                    "load_assignment": {
                        "cluster_name": "xds",
                        "endpoints": [{"lb_endpoints": [{"endpoint": server}]}],
                    },
                }
            ]
        },
    }


def _unready(lab: Lab, url: str) -> str:
    lab.processes.ensure_alive()
    try:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.get(url, timeout=5.0)
    except OSError:
        return "it does not answer yet"
    return "" if reply.ok else f"it says {reply.status_code}"
