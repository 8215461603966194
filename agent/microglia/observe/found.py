"""Host names of Services in environment values and arguments, and names of mounted files: all of them that is kept."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from microglia.model.ids import service_host
from microglia.model.objects import at

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_START = r"(?<![-a-zA-Z0-9_.@])"
_SVC = re.compile(rf"(?<![-a-zA-Z0-9_])({_LABEL})\.({_LABEL})\.svc(?![-a-zA-Z0-9_])")
_URL = re.compile(rf"[a-z][a-z0-9+.-]*://(?:[^\s/@]*@)?({_LABEL})(?:\.({_LABEL}))?(?=[:/?#,\s\"']|$)")
_PORT = re.compile(rf"{_START}({_LABEL})(?:\.({_LABEL}))?:\d{{1,5}}(?![-a-zA-Z0-9_.])")
_PLAIN = re.compile(rf"{_START}({_LABEL})\.({_LABEL})(?![-a-zA-Z0-9_.@])")
_NUMBER = re.compile(r"\d+")
_GIVEN = frozenset(
    {"kube-root-ca.crt", "istio-ca-root-cert", "openshift-service-ca.crt", "linkerd-identity-trust-roots"}
)


def found_hosts(pod: Any, namespace: str, namespaces: Collection[str]) -> list[str]:
    """FQDNs of Services that the containers of a pod spec mention, sorted.

    Read as hosts: ``name.ns.svc`` in any longer form, hosts of URLs, ``name:port`` and ``name.ns:port``, and
    ``name.ns`` where ``ns`` is one of ``namespaces``. A bare name is looked for in ``namespace``.
    """
    return sorted({host for text in _texts(pod) for host in _hosts(text, namespace, namespaces)})


def found_files(pod: Any) -> list[str]:
    """``ConfigMap name`` and ``Secret name`` of all that a pod spec mounts or takes its environment from, sorted.

    What is in them is never read. Certificates that every pod is given say nothing and are left out."""
    return sorted({f"{kind} {name}" for kind, name in _files(pod) if name and name not in _GIVEN})


def _files(pod: Any) -> Iterator[tuple[str, str]]:
    for volume in at(pod, "volumes", default=()):
        for source in (volume, *at(volume, "projected", "sources", default=())):
            yield "ConfigMap", str(at(source, "configMap", "name", default=""))
            yield "Secret", str(at(source, "secret", "secretName") or at(source, "secret", "name", default=""))
    for container in (*at(pod, "initContainers", default=()), *at(pod, "containers", default=())):
        for entry in at(container, "envFrom", default=()):
            yield "ConfigMap", str(at(entry, "configMapRef", "name", default=""))
            yield "Secret", str(at(entry, "secretRef", "name", default=""))
        for entry in at(container, "env", default=()):
            yield "ConfigMap", str(at(entry, "valueFrom", "configMapKeyRef", "name", default=""))
            yield "Secret", str(at(entry, "valueFrom", "secretKeyRef", "name", default=""))


def _texts(pod: Any) -> Iterator[str]:
    for field in ("initContainers", "containers"):
        for container in at(pod, field, default=()):
            yield from map(str, (*at(container, "command", default=()), *at(container, "args", default=())))
            yield from (str(entry["value"]) for entry in at(container, "env", default=()) if entry.get("value"))


def _hosts(text: str, namespace: str, namespaces: Collection[str]) -> Iterable[str]:
    for match in _SVC.finditer(text):
        yield service_host(match[2], match[1])
    for pattern in (_URL, _PORT):
        for match in pattern.finditer(text):
            if not _NUMBER.fullmatch(match[2] or match[1]):
                yield service_host(match[2] or namespace, match[1])
    for match in _PLAIN.finditer(text):
        if match[2] in namespaces:
            yield service_host(match[2], match[1])
