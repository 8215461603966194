"""The lab in pytest: one per session, started before the first test's clock runs, or left out by LAB=0.

A conftest takes part with ``from tests.lab.plugin import pytest_configure``; several may.
"""

from __future__ import annotations

import os
import sys

import pytest

from tests.lab import Lab, LabError, start

NAME = "microglia-lab"
LEFT_OUT = "left out by LAB=0: the lab (real API server and Prometheus): {} tests"


class LabPlugin:
    """Gives the fixture ``lab`` to every test, and starts the lab only if a selected test asks for it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._lab: Lab | None = None
        self._trouble = ""
        self._left_out = 0
        self._kept_logs = ""

    def lab(self) -> Lab:
        """Return the running lab, or fail the test with the reason why there is none."""
        if self._lab is None:
            pytest.fail(f"no lab: {self._trouble.splitlines()[0]}", pytrace=False)
        return self._lab

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take out all tests that need the lab, if LAB=0 says so."""
        if os.environ.get("LAB") == "0":
            left_out = [item for item in items if _needs_lab(item)]
            items[:] = [item for item in items if not _needs_lab(item)]
            self._config.hook.pytest_deselected(items=left_out)
            self._left_out += len(left_out)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start the lab here: in a fixture, minutes of building would count as the first test's time."""
        if self._lab is None and not self._config.option.collectonly and any(map(_needs_lab, session.items)):
            try:
                self._lab = start(self._say, namespace_controller=False)
            except LabError as error:
                self._trouble = str(error)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """End the lab; its logs stay when a test failed or the session broke off."""
        if self._lab is not None:
            keep = bool(session.testsfailed) or exitstatus != pytest.ExitCode.OK
            self._kept_logs = str(self._lab.logs) if keep else ""
            self._lab.close(keep_logs=keep)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was left out, why there is no lab, and where the logs are."""
        if self._left_out:
            terminalreporter.write_line(LEFT_OUT.format(self._left_out), yellow=True)
        if self._trouble:
            terminalreporter.section("no lab", red=True)
            terminalreporter.write_line(self._trouble)
        if self._kept_logs:
            terminalreporter.write_line(f"the lab's logs: {self._kept_logs}")
            order = getattr(self._config.option, "randomly_seed", None)
            if order is not None:
                terminalreporter.write_line(f"the same order again: --randomly-seed={order}")

    def _say(self, line: str) -> None:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        if capture is None:
            print(line, file=sys.stderr, flush=True)
        else:
            with capture.global_and_fixture_disabled():
                print(line, file=sys.stderr, flush=True)


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Lab:
    """The session's lab, shared and without namespace controller: a test cleans up by ``lab.wipe()``."""
    plugin = pytestconfig.pluginmanager.getplugin(NAME)
    assert isinstance(plugin, LabPlugin), "registered together with this fixture"
    return plugin.lab()


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin and its fixture, once however many conftests ask for it."""
    if not config.pluginmanager.has_plugin(NAME):
        config.pluginmanager.register(LabPlugin(config), NAME)
        config.pluginmanager.register(sys.modules[__name__], f"{NAME}-fixture")


def _needs_lab(item: pytest.Item) -> bool:
    return "lab" in getattr(item, "fixturenames", ())
