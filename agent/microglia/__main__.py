"""``python -m microglia``."""

from microglia.cli.app import console

console()
