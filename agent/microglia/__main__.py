"""``python -m microglia``."""

from microglia.cli.app import main

main()
