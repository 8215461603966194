"""``-v``: what goes on between the lines, on stderr."""

import logging
import sys


def listen() -> None:
    """Log every request to the API server and to Prometheus, and how long each step of a lap took.

    The Kubernetes client's own debug log stays off: it holds whole objects, with values that are nobody's business.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    # The Kubernetes client silences "urllib3" when it is configured, but not its children.
    for name in ("urllib3.connectionpool", "microglia"):
        logging.getLogger(name).setLevel(logging.DEBUG)
