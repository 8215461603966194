"""The pruner that everybody writes first: whoever is used least goes, whatever he is for."""

from datetime import datetime, timedelta

import numpy as np

from microglia.model.kinds import BY_NAME
from microglia.model.objects import at, name_of, namespace_of
from microglia.model.window import Window
from microglia.world.memory import MemoryCluster
from microglia.world.traffic import MemoryTraffic

EXEMPT = ("istio-system", "kube-system")
WINDOW = timedelta(days=14)


def naive(cluster: MemoryCluster, traffic: MemoryTraffic, now: datetime, count: int) -> tuple[str, ...]:
    """Take ``count`` replicas one by one, each from the Deployment with the fewest requests per replica left; down to
    none. Returns what it did, one sentence per Deployment. It knows no protection, no peaks and no unknowns."""
    activity = traffic.activity({}, Window.ending(now, WINDOW), now)
    rows = {key: row for row, key in enumerate(activity.workloads.keys)}
    used = np.nan_to_num(activity.workloads.requests).sum(axis=1)
    kind = BY_NAME["Deployment"]
    found = {
        f"{namespace_of(raw)}/{name_of(raw)}": raw for raw in cluster.objects(kind) if namespace_of(raw) not in EXEMPT
    }
    has = {key: int(at(raw, "spec", "replicas", default=0)) for key, raw in found.items()}
    left = dict(has)
    for _ in range(min(count, sum(left.values()))):
        left[min((key for key in left if left[key]), key=lambda key: (used[rows[key]] / left[key], key))] -= 1
    done = []
    for key, raw in sorted(found.items()):
        if left[key] != has[key]:
            cluster.scale(raw, left[key])
            done.append(f"{key} {has[key]} -> {left[key]} ({used[rows[key]]:,.0f} requests in 14 d)")
    return tuple(done)
