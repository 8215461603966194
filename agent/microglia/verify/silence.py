"""Are metrics still coming in? What goes while nobody listens could not be watched."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from microglia.model.units import show_duration, show_share
from microglia.score.panel import WHOLE
from microglia.topology.nodes import Workload
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection


def silence(facts: Facts) -> Iterator[Objection]:
    """The last closed hour was heard: of somebody at all, and of each workload that loses anything.

    A workload's own series may end while all others go on; until that has cost it its evidence, only this gate sees it.
    """
    activity = facts.topology.activity
    # What was not read whole was not heard.
    seen = np.nan_to_num(activity.workloads.seen) * activity.known
    hour = f"{activity.window.moment(activity.window.hours - 1):%d %b %Y %H:%M} UTC"
    taking = list(facts.taking)
    if taking and not (seen[:, -1] >= WHOLE).any():
        yield Objection(
            -1,
            "metrics",
            f"no sidecar was heard throughout the last closed hour ({hour}), so nobody could watch what goes; is"
            " Prometheus still scraping them? If so, look again in an hour; microglia doctor compares the clocks",
        )
        return
    for index, change, workload in taking:
        row = facts.topology.rows.get(workload.id)
        if row is not None and seen[row, -1] < WHOLE:
            silent = int((seen[row, ::-1] > 0).argmax()) if seen[row].any() else seen.shape[1]
            told = _told(float(seen[row, -1]), silent, workload)
            yield Objection(
                index,
                change.workload,
                f"{told} (the last closed hour: {hour}), so nobody could watch what goes; is Prometheus still scraping"
                " its sidecars? If so, look again in an hour",
            )


def _told(share: float, silent: int, workload: Workload) -> str:
    if share > 0:
        return f"its sidecars were heard in {show_share(share)} of the last closed hour, {show_share(WHOLE)} are needed"
    span = show_duration(timedelta(hours=silent))
    return f"its sidecars were not heard for {span}, and {workload.ready} of its pods are Ready"
