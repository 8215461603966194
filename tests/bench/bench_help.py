"""``microglia --help``: start-up of the command line."""

import subprocess
import sys
from collections.abc import Callable
from time import perf_counter

GOALS = {"microglia --help, seconds, median of 7": "0.3"}


def run(_say: Callable[[str], None]) -> dict[str, float]:
    """Median of seven whole processes, after one that warms the file cache."""
    times = []
    for _ in range(8):
        started = perf_counter()
        subprocess.run([sys.executable, "-m", "microglia", "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append(perf_counter() - started)
    return {"microglia --help, seconds, median of 7": sorted(times[1:])[3]}
