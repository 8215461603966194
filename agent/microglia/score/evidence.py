"""USED, IDLE or UNKNOWN, per workload. A sign needs no proof of health; silence needs every proof there is."""

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.score.panel import Panel
from microglia.score.scores import Evidence, Judged


def coverage(panel: Panel) -> F64:
    """Share of the window in which each workload's own reporters were heard, shape (n,)."""
    known = panel.topology.activity.known
    shares = [np.where(known, np.nan_to_num(part.series("seen")), 0.0).mean(axis=1) for _, part in panel.parts()]
    return np.concatenate(shares) if shares else np.zeros(0)


def judge(panel: Panel) -> tuple[Judged, ...]:
    """The evidence of every workload, in the panel's order."""
    shares = coverage(panel)
    signs = _signs(panel)
    doubts = proofs(panel, shares)
    return tuple(
        Judged(Evidence.USED, float(share), sign)
        if (sign := signs[row])
        else Judged(Evidence.UNKNOWN, float(share), doubts[row])
        if doubts[row]
        else Judged(Evidence.IDLE, float(share), "no sign of use, and its reporters were heard throughout the window")
        for row, share in enumerate(shares)
    )


def proofs(panel: Panel, shares: F64) -> tuple[str, ...]:
    """Per workload what is missing before its silence is proven, with the way out; empty when nothing is."""
    activity, policy = panel.topology.activity, panel.policy.observation
    first = np.nan_to_num(panel.series("seen")[:, 0]) > 0
    born = panel.per_workload("born")
    start = activity.window.start.timestamp()
    partial = int((~activity.known).sum())
    found = []
    for row, workload in enumerate(panel.workloads):
        if workload.id.key in panel.topology.ambiguous:
            found.append(f"metrics cannot tell apart the workloads named {workload.id.key}; rename one of them")
        elif not workload.meshed:
            found.append("not every pod has a sidecar, so traffic may go unseen; enrol it, or set microglia.dev/ignore")
        elif panel.rows[row] < 0:
            found.append("metrics never named it; check that its sidecars are scraped")
        elif partial:
            found.append(f"{partial} h of the window came from partial replies; they are read again in the next laps")
        elif not born[row] <= start:
            found.append("metrics do not show that it existed throughout the window; wait until they do")
        elif shares[row] < policy.coverage or not first[row]:
            found.append(
                f"its reporters were heard in {shares[row]:.1%} of the window, {policy.coverage:.1%} including its"
                " first hour are needed; wait for a whole window, or repair the scraping of its sidecars"
            )
        else:
            found.append("")
    return tuple(found)


def _signs(panel: Panel) -> list[str]:
    """Per workload the strongest sign of use as a sentence; empty when there is none."""
    received = _positive(panel, "requests") | _positive(panel, "peak")
    sent = _positive(panel, "sent")
    remembered = np.nan_to_num(panel.per_workload("old_peak")) > 0
    called = _called(panel)
    found = []
    for row, workload in enumerate(panel.workloads):
        if received[row]:
            found.append("requests were received in the window")
        elif workload.id.key in called:
            found.append("a call to it was seen")
        elif sent[row]:
            found.append("it sent requests in the window")
        elif remembered[row]:
            found.append("requests were received before the window, and that peak is still in force")
        else:
            found.append("")
    return found


def _positive(panel: Panel, name: str) -> Bools:
    return np.asarray((panel.series(name) > 0).any(axis=1), dtype=np.bool_)


def _called(panel: Panel) -> set[str]:
    """Keys of workloads that an edge says were called, or stand behind a host whose calls never arrived."""
    topology, found = panel.topology, set()
    edges = topology.activity.edges
    for edge, used in zip(edges.keys, (edges.used | edges.flowing).tolist(), strict=True):
        if used and edge.server:
            found.add(edge.server)
        elif used and edge.host in topology.reach:
            found.update(workload.key for workload in topology.reach[edge.host].workloads)
    return found
