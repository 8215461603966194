"""``python -m tests.bench [NAME ...]``: runs the benchmarks, prints a table, and JSON as the last line.

Each benchmark is a module with ``run(say) -> dict[str, float]`` and ``GOALS``, and runs in a process of its own so that
peak memory is its own too.
"""

import json
import subprocess
import sys
from importlib import import_module

NAMES = ("help", "plan", "compete", "observe")


def main() -> int:
    """Run the named benchmarks, or all."""
    chosen = [name for name in NAMES if name in sys.argv[1:]] or list(NAMES)
    figures: dict[str, dict[str, float]] = {}
    for name in chosen:
        print(f"bench: {name} ...", file=sys.stderr, flush=True)
        child = subprocess.run(
            [sys.executable, "-c", f"from tests.bench.__main__ import one; one({name!r})"],
            check=False,
            stdout=subprocess.PIPE,
            text=True,
        )
        if child.returncode:
            print(f"bench: {name} failed", file=sys.stderr)
            return child.returncode
        figures[name] = json.loads(child.stdout.splitlines()[-1])
    print(table(figures))
    print(json.dumps(figures))
    return 0


def one(name: str) -> None:
    """Run one benchmark here and print its figures as JSON."""
    module = import_module(f"tests.bench.bench_{name}")
    print(json.dumps(module.run(lambda line: print(f"  {line}", file=sys.stderr, flush=True))))


def table(figures: dict[str, dict[str, float]]) -> str:
    """The figures beside their goals, as a Markdown table."""
    lines = ["| what | measured | goal |", "|---|---|---|"]
    for name, found in figures.items():
        goals: dict[str, str] = import_module(f"tests.bench.bench_{name}").GOALS
        lines += [f"| {what} | {show(value)} | {goals.get(what, '')} |" for what, value in found.items()]
    return "\n".join(lines)


def show(value: float) -> str:
    """Three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
