"""How the process of a command ends: at once, with everything written and the code that was meant."""

import io
import subprocess
import sys

import pytest

from microglia.cli import ending


class Broken(io.StringIO):
    """A pipe that nobody reads any more."""

    def flush(self):
        raise BrokenPipeError


@pytest.mark.parametrize(("code", "broken", "ended"), [(0, False, 0), (3, False, 3), (0, True, 1), (4, True, 4)])
def test_the_code_is_the_commands_own(monkeypatch, code, broken, ended):
    """A reader that went away is no success."""
    codes = []
    monkeypatch.setattr(ending.os, "_exit", codes.append)
    monkeypatch.setattr(sys, "stdout", Broken() if broken else io.StringIO())
    ending.end(code)
    assert codes == [ended]


def test_only_the_last_things_are_kept():
    """Commands that run one after another in one process do not pile up what they made."""
    ending.keep([1], [2])
    ending.keep([3])
    assert ending._KEPT == [[3]]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(("--version",), 0, "microglia "), (("plan", "--nonsense"), 2, ""), (("map", "-h"), 0, "map")],
)
def test_a_whole_process_writes_before_it_ends(words, code, said):
    """Into a pipe too, where output is held back until the end."""
    done = subprocess.run([sys.executable, "-m", "microglia", *words], check=False, capture_output=True, text=True)
    assert done.returncode == code
    assert said in done.stdout
    assert done.stdout or done.stderr


def test_a_mistake_ends_with_its_message_and_code(tmp_path):
    """One line on stderr, no traceback."""
    words = ["plan", "--snapshot", str(tmp_path / "none")]
    done = subprocess.run([sys.executable, "-m", "microglia", *words], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such file" in done.stderr
    assert "Traceback" not in done.stderr
