"""Runs apply in children that are killed at every step in turn: ``python -m tests.unit.act.mortal FOLDER``.

Each child works in a folder of its own, ``FOLDER/<n>``, and dies by SIGKILL at its n-th look or write, in the cluster
or in the journal. The last folder is the one whose child lived.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from microglia.act.apply import Conduct, apply
from microglia.act.write import ClusterWriter
from microglia.store import records
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from tests.unit.act.changes import NOW, body, patience, plan, routes, scale
from tests.unit.act.clearance import cleared
from tests.unit.act.filed_cluster import FiledCluster, deployment, shop


def scene(folder: Path) -> tuple[FiledCluster, FileJournal]:
    """The cluster and the journal of ``folder``, as they are on the disk."""
    return FiledCluster(folder / "cluster.json"), FileJournal(Folder(folder).cluster("uid", ""))


def run(folder: Path, tick: Callable[[], None]) -> None:
    """Two Deployments and a Sidecar, pruned for the first time; ``tick`` is called before and after everything."""
    folder.mkdir()
    shop(folder / "cluster.json", deployment("cart", 5), deployment("mail", 4))
    cluster, journal = scene(folder)
    made = plan(
        scale(cluster, "cart", 3, victims=("cart-rs-4", "cart-rs-0"), expected={"a": 1, "b": 1, "c": 1}),
        routes(cluster, "cart", None, body("cart", "mail"), cut=("mail.shop.svc.cluster.local",)),
        scale(cluster, "mail", 3, victims=("mail-rs-3",), expected={"a": 1}),
    )
    cluster.hook = lambda verb, what: tick()
    written: Callable[..., None] = vars(records)["write"]

    def write(*arguments: Any) -> None:
        tick()
        written(*arguments)
        tick()

    vars(records)["write"] = write
    minutes = iter(range(1000))
    conduct = Conduct(lambda: NOW + timedelta(minutes=next(minutes)), lambda: None, lambda line: None)
    apply(cleared(made), ClusterWriter(cluster, patience()), journal, conduct)


def main(folder: Path) -> None:
    """One child after the other, until one lives."""
    for number in range(1000):
        child = os.fork()
        if child == 0:
            left = [number]

            def tick(left: list[int] = left) -> None:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

            run(folder / f"{number:03}", tick)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
