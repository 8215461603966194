"""The lab's own tests get the lab like everybody else's."""

from tests.lab.plugin import pytest_configure

__all__ = ["pytest_configure"]
