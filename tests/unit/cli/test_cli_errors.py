"""How the process ends."""

import logging
import re
import subprocess
import sys

import pytest

from microglia import __version__
from microglia.cli import app as module
from microglia.cli import logs
from microglia.cli.errors import Exit, MistakeError, report_mistakes
from microglia.cli.logs import listen


def test_a_mistake_becomes_its_message_and_its_code(capsys):
    """No traceback: the message on stderr, nothing on stdout."""

    def wrong():
        raise MistakeError("say --prometheus", Exit.USAGE)

    assert report_mistakes(wrong) == 2
    assert capsys.readouterr() == ("", "say --prometheus\n")
    assert report_mistakes(lambda: None) == 0


def test_the_exit_codes_are_a_contract():
    """Scripts rely on them."""
    assert {code.name: code.value for code in Exit} == {"DONE": 0, "FAILED": 1, "USAGE": 2, "REFUSED": 3, "PENDING": 4}


def test_the_console_script_ends_with_the_code(monkeypatch):
    """What a command returns is what the shell sees."""
    monkeypatch.setattr(module, "app", lambda: None)
    monkeypatch.setattr(module.gc, "disable", lambda: None)
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0


def test_the_version_is_printed(run):
    """--version, and nothing else."""
    assert run("--version").out == f"microglia {__version__}\n"


def test_verbose_logs_requests_and_laps_but_no_objects():
    """urllib3 speaks up, the Kubernetes client's dumps of objects stay silent."""
    names = ("urllib3.connectionpool", "microglia")
    before = {name: logging.getLogger(name).level for name in names}
    try:
        listen()
        assert logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("kubernetes.client.rest").isEnabledFor(logging.DEBUG)
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def test_verbose_is_an_option_of_every_command_that_reaches_out(run, recorded, monkeypatch):
    """-v turns the log on before anything else happens; without it, it stays off."""
    turned_on = []
    monkeypatch.setattr(logs, "listen", lambda: turned_on.append(True))
    run("replay", "--snapshot", recorded)
    assert turned_on == []
    for words in (("replay", "--snapshot", recorded, "-v"), ("restore", "--verbose"), ("apply", "plan-1", "-v")):
        run(*words)
    assert turned_on == [True] * 3


def test_verbose_writes_to_stderr_only(recorded, home):
    """The lap's times, beside a clean stdout."""
    command = [sys.executable, "-m", "microglia", "replay", "--snapshot", str(recorded), "-v"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "microglia.lap: plan-" in done.stderr
    assert re.search(r"observe \d+\.\d+ s, judge .* verify \d+\.\d+ s\n", done.stderr)
    assert done.stdout.startswith("  Replay of 14d")
