"""Little repositories with manifests, and plans for what is in them."""

import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from microglia.act.gitops.files import ENDINGS, Files, Hints
from microglia.act.gitops.git import Repository, repository
from microglia.act.gitops.place import Placed, place
from microglia.model.ids import WorkloadId
from microglia.plan.change import Change, ScaleChange, SidecarChange, decision_digest
from microglia.plan.document import Plan
from microglia.plan.sidecar import body, sidecar_name
from microglia.topology.build import build
from microglia.topology.graph import Topology
from tests.factories import deployment, snapshot
from tests.planning import WHY, host, plan

CART = """\
# The cart.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  labels: {app:  cart}   # two spaces
spec:
    replicas: 5   # five, since the sale
    selector:
        matchLabels: { app: cart }
    template:
        metadata: {labels: {app: cart}}
        spec:
            containers:
            - {name: "app", image: 'example/cart:1'}
"""
"""Comments, odd indentation, flow style and quotes: everything that a careless edit would lose."""


def git(folder: Path, *words: str) -> str:
    """Run git, and fail loudly where it is missing or says no."""
    ended = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def checkout(folder: Path, files: dict[str, str]) -> Repository:
    """A repository with one commit of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Ann")
    git(folder, "config", "user.email", "ann@example.org")
    git(folder, "config", "core.autocrlf", "false")
    commit(folder, files)
    return repository(folder)


def commit(folder: Path, files: dict[str, str]) -> None:
    """One more commit, byte for byte."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "state")


def scaling(name: str = "cart", before: int = 5, after: int = 4, namespace: str = "shop", **parts: Any) -> ScaleChange:
    """A change of a count."""
    raw = deployment(name, namespace, before)
    return ScaleChange(
        workload=f"{namespace}/{name}",
        uid=raw["metadata"]["uid"],
        before=before,
        after=after,
        digest=decision_digest(raw),
        why=WHY,
        **parts,
    )


def hiding(name: str = "cart", *names: str, before: tuple[str, ...] = ()) -> SidecarChange:
    """A change of the Sidecar of ``shop/name``: it hid ``before`` and will hide ``names``."""
    client = WorkloadId("shop", name)
    old, new = ([host(one) for one in some] for some in (before, names))
    return SidecarChange(
        workload=str(client),
        uid=f"Deployment-shop-{name}",
        digest="d",
        namespace="shop",
        name=sidecar_name(client),
        before=body(client, {"app": name}, old),
        after=body(client, {"app": name}, new),
        cut=tuple(sorted(set(new) - set(old))),
        shown=tuple(sorted(set(old) - set(new))),
        why=WHY,
    )


def proposal(*changes: Change) -> Plan:
    """A plan for Git."""
    return plan(*changes, way="git")


def seen(*names: str, **marks: Any) -> Topology:
    """The cluster, where the Deployments ``names`` of the shop have these ``labels`` and ``annotations``."""
    return build(snapshot(*(deployment(name, replicas=5, **marks) for name in names)))


def placed(files: dict[str, str], *changes: Change, hints: Hints | None = None, **marks: Any) -> tuple[Placed, ...]:
    """Place changes in these files, and leave them edited."""
    known = seen(*{change.id.name for change in changes}, **marks)
    return place(proposal(*changes), known.workloads, Files(files), hints or Hints())


def read(repo: Repository, commit: str) -> dict[str, str]:
    """The files of a commit."""
    return repo.files(commit, ENDINGS)


def contents_of(text: str) -> Any:
    """What the one document of a file says."""
    return YAML(typ="safe", pure=True).load(text)
