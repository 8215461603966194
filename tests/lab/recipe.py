"""What the lab is made of: which binary comes from which Go module, and how it is built.

The versions are in ``build/<tool>/go.mod`` and ``go.sum``. A tool's digest covers both and the recipe, so a changed
recipe is a new folder in the cache and never a stale binary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

BUILD = Path(__file__).resolve().parent / "build"
GO_REQUIREMENTS = BUILD / "go" / "requirements.txt"
ENVOY_REQUIREMENTS = BUILD / "envoy" / "requirements.txt"
MINIMAL_GO = (1, 26)
KUBERNETES_VERSION = "v1.36.3"


@dataclass(frozen=True, slots=True)
class Tool:
    """One Go module that gives binaries, plain files, or both; ``packages`` maps a binary to its main package."""

    name: str
    packages: Mapping[str, str]
    takes: str
    flags: tuple[str, ...] = ()

    @property
    def module(self) -> Path:
        """The folder with the tool's go.mod and go.sum."""
        return BUILD / self.name

    @property
    def home(self) -> Path:
        """The folder in the user's cache that holds what was built from exactly this recipe."""
        return cache() / f"{self.name}-{self.digest()[:16]}"

    def digest(self) -> str:
        """Return the digest of all that decides what comes out of a build."""
        total = hashlib.sha256(repr((sorted(self.packages.items()), self.flags)).encode())
        for name in ("go.mod", "go.sum"):
            total.update((self.module / name).read_bytes())
        return total.hexdigest()


def cache() -> Path:
    """Return the lab's folder in the user's cache."""
    return user_cache_path("microglia") / "lab"


def _kubernetes(version: str) -> Tool:
    major, minor, _ = version.removeprefix("v").split(".")
    stamp = "k8s.io/component-base/version"
    values = (("gitVersion", version), ("gitMajor", major), ("gitMinor", minor))
    defines = " ".join(f"-X {stamp}.{name}={value}" for name, value in values)
    names = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    return Tool(
        name="kubernetes",
        packages={name: f"k8s.io/kubernetes/cmd/{name}" for name in names},
        takes="about 5 minutes",
        flags=("-ldflags", f"-s -w {defines}"),
    )


_STRIPPED = ("-ldflags", "-s -w")

KUBERNETES = _kubernetes(KUBERNETES_VERSION)
ETCD = Tool("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}, "about half a minute", _STRIPPED)
KWOK = Tool("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, "about a minute", _STRIPPED)
HELM = Tool("helm", {"helm": "helm.sh/helm/v4/cmd/helm"}, "about 2 minutes", _STRIPPED)
PROMETHEUS = Tool(
    name="prometheus",
    packages={"prometheus": "github.com/prometheus/prometheus/cmd/prometheus"},
    takes="about 2 minutes",
    # Service discovery pulls in every cloud's SDK, and the lab's targets are static.
    flags=("-tags", "remove_all_sd", *_STRIPPED),
)
VICTORIA_METRICS = Tool(
    name="victoria-metrics",
    packages={"victoria-metrics": "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"},
    takes="about a minute",
    flags=_STRIPPED,
)
THANOS = Tool(
    name="thanos",
    packages={"thanos": "github.com/thanos-io/thanos/cmd/thanos"},
    takes="about 6 minutes",
    # Its own builds set the first tag: sidecars and querier must agree on how labels lie in memory.
    flags=("-tags", "slicelabels,remove_all_sd", *_STRIPPED),
)
ISTIO_CRDS = Tool("istio-crds", {}, "a few seconds")
ISTIOD = Tool("istiod", {"pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery"}, "about 4 minutes", _STRIPPED)
