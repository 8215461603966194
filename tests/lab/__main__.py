"""Leave a lab running, to point the CLI at it: ``python -m tests.lab [WORLD]``, or ``--empty``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from microglia.model.window import floor_hour
from microglia.world.load import WorldFileError, load
from microglia.world.schema import World
from tests.lab import Lab, LabError, start
from tests.lab.stage import Stage, put

_LOOK_EVERY = 2.0
_DEFAULT = "boutique"


def main() -> int:
    """Start a lab with a world in it, say how to use it, keep its metrics fresh, and end it at Ctrl-C or SIGTERM.

    Returns the exit code.
    """
    wanted = _arguments()
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    try:
        world = None if wanted.empty else _world(wanted)
        with start(_say) as lab:
            stage = None if world is None else _furnish(lab, world)
            signal.signal(signal.SIGINT, end)
            signal.signal(signal.SIGTERM, end)
            _explain(lab, stage)
            _run(lab, stage, ended)
            _say("ending the lab ...")
    except (LabError, WorldFileError) as error:
        _say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="Start a lab and leave it running.")
    parser.add_argument("world", nargs="?", default=_DEFAULT, help=f"its name, or a .yaml file (default {_DEFAULT})")
    parser.add_argument("--days", type=float, default=15, help="of history (default 15)")
    parser.add_argument("--scrape", type=float, default=60, help="seconds between samples (default 60)")
    parser.add_argument("--empty", action="store_true", help="with no workloads in it, and no history")
    return parser.parse_args()


def _world(wanted: argparse.Namespace) -> World:
    """The world, so that its history ends now."""
    begin = floor_hour(_now() - timedelta(days=wanted.days))
    return load(wanted.world, begin).model_copy(update={"scrape": wanted.scrape})


def _furnish(lab: Lab, world: World) -> Stage:
    _say(f"creating the world {world.name} ...")
    stage = put(lab, world)
    now = _now()
    days = (now - world.start) / timedelta(days=1)
    _say(f"writing {days:.1f} days of history of {len(stage.record.pods)} pods ...")
    count = stage.play(now, say=_say)
    _say(f"  {count / 1e6:.1f} M samples in all")
    return stage


def _explain(lab: Lab, stage: Stage | None) -> None:
    print(f"export KUBECONFIG={lab.kubeconfig}")
    print(f"export MICROGLIA_PROMETHEUS={lab.prometheus_url}")
    folders = [lab.binaries.helm.parent, lab.binaries.kubectl.parent, Path(sys.executable).parent]
    print(f"export PATH={':'.join(map(str, folders))}:$PATH", flush=True)
    _say("The lab is ready. Paste the lines above into another shell; Ctrl-C here ends it.")
    if stage is not None:
        _say("Then:  microglia doctor\n       microglia plan")
    _say("README.md tells how to install the agent here: helm, kubectl and microglia are in the PATH above.")
    _say(f"logs: {lab.logs}")


def _run(lab: Lab, stage: Stage | None, ended: threading.Event) -> None:
    """Watch over the processes, and write what every scrape since would have brought."""
    while not ended.wait(_LOOK_EVERY):
        lab.processes.ensure_alive()
        if stage is not None and _now() - stage.now >= timedelta(seconds=stage.layout.world.scrape):
            stage.play(_now())


def _now() -> datetime:
    return datetime.now(UTC)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
