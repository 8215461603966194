"""The lab as one object: a control plane, a Prometheus, and what tests do with them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import clearing, control_plane, folders, objects, prometheus, readiness, remote_write
from tests.lab.api import Api, Document
from tests.lab.binaries import Binaries, ensure
from tests.lab.processes import Processes
from tests.lab.prometheus import Span
from tests.lab.remote_write import Series

Say = Callable[[str], None]


class Lab:
    """A running lab; ends with ``close`` or with the ``with`` block. Made by ``start``."""

    def __init__(self, binaries: Binaries, say: Say, *, namespace_controller: bool) -> None:
        self._say = say
        self._closed = False
        self._namespace_controller = namespace_controller
        self.binaries = binaries
        controllers = "*" if namespace_controller else "*,-namespace-controller"
        self._folder = folders.create()
        self.processes = Processes(self._folder.logs, home=self._folder.data)
        try:
            self.prometheus_url = self.another_prometheus("prometheus")
            self._plane = control_plane.start(binaries, self.processes, self._folder.data, controllers)
            self._empty = clearing.inventory(self.api)
        except BaseException:
            self.close(keep_logs=True)
            raise

    @property
    def api(self) -> Api:
        """The API server, as its administrator."""
        return self._plane.api

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._plane.kubeconfig

    @property
    def logs(self) -> Path:
        """The folder with one log per process."""
        return self._folder.logs

    def kubeconfig_for(self, namespace: str, account: str) -> Path:
        """Write a kubeconfig with a ServiceAccount's own token, good for an hour; raises ApiError."""
        return self._plane.kubeconfig_for(namespace, account)

    def api_for(self, namespace: str, account: str) -> Api:
        """The API server, as a ServiceAccount with its own token, good for an hour; raises ApiError."""
        return self._plane.api_for(namespace, account)

    def another_prometheus(self, name: str, span: Span | None = None) -> str:
        """Start one more, empty Prometheus and return its URL; raises LabError."""
        return prometheus.start(self.binaries.prometheus, self.processes, self.folder_for(name), name, span)

    def folder_for(self, name: str) -> Path:
        """Make an empty folder for what ``name`` keeps; it goes away with the lab."""
        # One of the same name may have been here before, and its history is not for this one.
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder.data))

    def apply(self, manifests: Iterable[objects.Manifest], manager: objects.Manager | None = None) -> list[Document]:
        """Create or merge manifests and return the stored objects; raises ApiError for the first that is refused.

        ``manager`` says in whose name a manifest is created.
        """
        return objects.apply(self.api, manifests, manager)

    def wait_nodes(self, timeout: float = 120.0) -> None:
        """Wait until all nodes take pods; raises LabError after ``timeout`` seconds."""
        readiness.wait_nodes(self.api, timeout)

    def wait_ready(self, timeout: float = 120.0) -> None:
        """Wait until all workloads and Services have their pods; raises LabError after ``timeout`` seconds."""
        readiness.wait_ready(self.api, timeout)

    def wipe(self, keep: Collection[str] = ()) -> None:
        """Delete all that was not there at the start, but no object of the plural kinds in ``keep``."""
        clearing.wipe(self.api, self._empty, keep, finalise=not self._namespace_controller)

    def istio_crds(self) -> list[Document]:
        """Return the manifests of Istio's CustomResourceDefinitions."""
        crds: list[Document] = json.loads(self.binaries.istio_crds.read_text(encoding="utf-8"))
        return crds

    def write_history(self, series: Iterable[Series]) -> int:
        """Write series to the first Prometheus and return the count of samples; raises LabError."""
        return remote_write.write(self.prometheus_url, series, self._say)

    def close(self, *, keep_logs: bool = False) -> None:
        """End all processes and remove the lab's files, the logs too unless they are to be kept."""
        if self._closed:
            return
        self._closed = True
        self.processes.close()
        self._folder.close(keep_logs=keep_logs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(keep_logs=isinstance(error, Exception))


def start(say: Say, *, namespace_controller: bool = True) -> Lab:
    """Build what is missing, start everything and return when it is ready; ``say`` is told what takes long.

    The namespace controller takes five seconds over every namespace; without it ``wipe`` takes half a second, and a
    namespace that is deleted in another way stays Terminating. Raises LabUnavailable when the lab cannot be had here,
    LabError when a part does not come up.
    """
    binaries = ensure(say)
    say("starting the lab: API server, controllers, scheduler, kwok, Prometheus ...")
    return Lab(binaries, say, namespace_controller=namespace_controller)
