"""The lab: a real Kubernetes control plane without kubelets and a real Prometheus, on loopback, to test and to try.

``start`` gives a ``Lab``; pytest gets one per session by the fixture ``lab`` (plugin.py); ``python -m tests.lab``
leaves one running. Binaries are built once from the Go module proxy into the user's cache (recipe.py). Linux only.
"""

from tests.lab.errors import LabError, LabUnavailable
from tests.lab.laboratory import Lab, start
from tests.lab.prometheus import Span
from tests.lab.remote_write import STALE, Series

__all__ = ["STALE", "Lab", "LabError", "LabUnavailable", "Series", "Span", "start"]
