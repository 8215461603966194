"""Plan from a snapshot of the ``large`` world: the whole command in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from microglia.model.window import Window
from microglia.observe.look import observe
from microglia.observe.recorded import save
from microglia.world.large import LargeCluster
from microglia.world.large_traffic import LargeTraffic

SECONDS = "plan from the large snapshot, seconds"
MEMORY = "plan from the large snapshot, peak memory in GB"
GOALS = {SECONDS: "5", MEMORY: "1.5"}


def run(say: Callable[[str], None]) -> dict[str, float]:
    """Make the snapshot here, then run ``microglia plan --snapshot`` on it as a person would."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "large.snapshot"
        say("making the large world (10,000 workloads, 50,000 pods, 100,000 used edges)")
        make = "from tests.bench.bench_plan import record; import sys; record(sys.argv[1])"
        shape = subprocess.run([sys.executable, "-c", make, str(file)], check=True, stdout=subprocess.PIPE, text=True)
        say(f"planning from {file.stat().st_size / 2**20:.0f} MiB")
        command = [sys.executable, "-m", "microglia", "plan", "--snapshot", str(file), "--state", folder, "-o", "json"]
        started = perf_counter()
        planned = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
        seconds = perf_counter() - started
        # Of the two children the one that made the world is the larger, so the plan's own figure comes from itself.
        peak = float(measure(command))
    found = json.loads(planned.stdout)[0]
    say(f"{len(found['plan']['changes'])} changes")
    return {**json.loads(shape.stdout), SECONDS: seconds, MEMORY: peak}


def measure(command: list[str]) -> float:
    """Peak memory of ``command`` in GB (10^9 bytes)."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout) * 1024 / 1e9


def record(path: str) -> None:
    """Write the large world's snapshot to ``path`` and print its size as JSON."""
    cluster = LargeCluster()
    now = cluster.start + timedelta(days=15)
    snapshot = observe(cluster, LargeTraffic(cluster), Window.ending(now, timedelta(days=14)), now)
    save(snapshot, Path(path))
    print(
        json.dumps(
            {
                "large: workloads": len(snapshot.objects.of("Deployment")),
                "large: pods": len(snapshot.objects.of("Pod")),
                "large: used edges": int(snapshot.activity.edges.used.sum()),
            }
        )
    )
