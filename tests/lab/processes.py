"""The lab's child processes: started on free loopback ports, and never outliving the process that started them."""

from __future__ import annotations

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError, last_lines

LOOPBACK = "127.0.0.1"

_LEASH = Path(__file__).resolve().with_name("leash.py")
# Below the range from which Linux takes the local ports of outgoing connections, so that none takes ours meanwhile.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Child:
    """One running program and where it writes what it has to say."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]


class Processes:
    """Starts programs and ends them all: at ``close``, when Python exits, or when this process is killed.

    The kernel ties a child to the *thread* that started it: start a lab from a thread that lives as long as the lab.
    """

    def __init__(self, logs: Path, home: Path) -> None:
        self._logs = logs
        self._environment = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.defpath}
        self._children: dict[str, Child] = {}
        self._orders: dict[str, tuple[Sequence[str | Path], Mapping[str, str]]] = {}
        self._ports: set[int] = set()
        self._owner = os.getpid()
        atexit.register(self.close)

    def free_port(self) -> int:
        """Return a loopback port that nothing listens on and that this lab has not been given before."""
        for port in random.sample(_PORTS, k=200):
            if port not in self._ports and _is_free(port):
                self._ports.add(port)
                return port
        raise LabError(f"no free port among 200 tried in {_PORTS.start}-{_PORTS.stop - 1}; end what holds them")

    def start(self, name: str, argv: Sequence[str | Path], settings: Mapping[str, str] | None = None) -> Child:
        """Start ``argv`` in a process group of its own, with both outputs in ``<logs>/<name>.log``.

        ``settings`` are environment variables beside HOME, TMPDIR and PATH: the user's own stay out of the lab.
        """
        if name in self._children:
            raise LabError(f"{name} is already running in this lab; give the second one another name")
        log = self._logs / f"{name}.log"
        leash = [sys.executable, "-I", str(_LEASH), str(os.getpid())]
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [*leash, *map(str, argv)],
                env={**self._environment, **(settings or {})},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, log, process)
        self._children[name] = child
        self._orders[name] = (argv, settings or {})
        return child

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each program, by its name."""
        return {name: child.process.pid for name, child in self._children.items()}

    def ensure_alive(self) -> None:
        """Raise LabError if a program has ended by itself, with the end of its log."""
        for child in self._children.values():
            code = child.process.poll()
            if code is not None:
                raise LabError(f"{child.name} ended with code {code}; the end of {child.log}:\n{last_lines(child.log)}")

    def stop(self, name: str) -> None:
        """End one program and wait for its end; one that is not there is fine."""
        child = self._children.pop(name, None)
        if child is not None:
            _kill(child)
            child.process.wait()

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """One program is gone for the block, and then starts again exactly as it was started."""
        self.stop(name)
        try:
            yield
        finally:
            self.start(name, *self._orders[name])

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """One program stands still for the block: it is there, and does not answer."""
        group = self._children[name].process.pid
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def close(self) -> None:
        """End all programs. At once: nothing in a lab outlives it, so there is nothing to save."""
        atexit.unregister(self.close)
        if os.getpid() != self._owner:
            return  # a fork of the owner ends; the lab is not its own
        for child in self._children.values():
            _kill(child)
        for name in list(self._children):
            self.stop(name)


def _kill(child: Child) -> None:
    if child.process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
