"""How much of the next hour's demand may need something that was never seen."""

import numpy as np

from microglia.model.activity import EXTERNAL
from microglia.topology.graph import Topology


def unseen_mass(topology: Topology) -> float:
    """The leave-one-out mass N1 / n: the share of requests in the window that are the only one on their edge. It
    estimates the chance that the next request needs an edge that was never seen (Good 1953; Turing). 1 when nothing was
    seen."""
    activity = topology.activity
    edges, start = activity.edges, activity.window.start.timestamp()
    inside = np.array([edge.host not in EXTERNAL for edge in edges.keys], dtype=np.bool_)
    # A use that was only remembered from before the window is no evidence about the window.
    inside &= edges.used & ~(edges.last < start)
    requests = np.maximum(np.nan_to_num(edges.requests[inside]), 1.0)
    total = float(requests.sum())
    return float((requests < 1.5).sum()) / total if total else 1.0
