"""The contracts get the lab like its own tests do."""

from tests.lab.plugin import pytest_configure

__all__ = ["pytest_configure"]
