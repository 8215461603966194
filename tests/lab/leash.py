"""Run a command that ends when its starter does, whatever ends the starter: leash.py STARTER_PID COMMAND [ARG ...].

A program of its own, because the call has to come after the fork, and a fork that runs Python is not safe in a
process with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for a SIGKILL at the starter's end, then become the command."""
    starter, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}; the lab needs a Linux that allows it")
    if os.getppid() != starter:
        sys.exit(f"process {starter}, which wanted {command[0]}, has ended already")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
