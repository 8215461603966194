"""The house rules that a machine can check."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from microglia.cli.app import app
from microglia.policy.load import parse
from microglia.policy.schema import PruningPolicy
from tests import readme

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "agent" / "microglia").rglob("*.py"))
LONGEST = 300
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "runner", "base"}


def commands() -> dict[str, Any]:
    """Every command by the words that call it."""
    found: dict[str, Any] = {}
    for name, command in getattr(typer.main.get_command(app), "commands", {}).items():
        found[name] = command
        for sub, inner in getattr(command, "commands", {}).items():
            found[f"{name} {sub}"] = inner
    return found


COMMANDS = commands()


def calls(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every call of the command line that ``text`` writes in backticks or on a line of its own: command and flags."""
    quoted = re.findall(r"`microglia ([^`]*)`", text) + re.findall(r"(?m)^(?:\$ )?microglia ([a-z].*)$", text)
    for call in quoted:
        words = call.partition("#")[0].partition("|")[0].split()
        name = " ".join(words[:2]) if " ".join(words[:2]) in COMMANDS else words[0]
        yield name, [word.partition("=")[0] for word in words if word.startswith("-")]


def flags(name: str) -> set[str]:
    """What a command understands."""
    return {"--help", "-h"} | {flag for one in COMMANDS[name].params for flag in one.opts}


def test_every_file_can_be_read_in_one_sitting():
    """No file of the product is longer than 300 lines."""
    long = {
        path.name: count for path in SOURCES if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}


def test_every_file_has_a_name_that_says_what_it_is_about():
    """Names such as utils gather whatever has no place."""
    assert [path.name for path in SOURCES if path.stem in SHAPELESS] == []


def test_nothing_switches_the_checks_off():
    """No silenced linter, no ignored type, no uncovered line, no skipped test."""
    evasions = re.compile(
        "|".join(("no" + "qa", "type: " + "ignore", "pragma: " + "no", "pytest.mark." + "skip", "x" + "fail"))
    )
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("agent", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if evasions.search(line) and "evasions" not in line
    ]
    assert found == []


def test_every_test_states_a_promise():
    """A docstring of its own for each test function; a failing one then says what was broken."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_the_default_policy_file_is_the_built_in_one():
    """People who start from it start from what is in force without it."""
    path = ROOT / "policies" / "default.yaml"
    loaded = parse(path.read_bytes(), str(path))
    assert loaded.errors == ()
    assert loaded.policies == (PruningPolicy(),)


def test_the_readme_shows_what_the_code_prints():
    """Its plan and its worked example are rendered anew and compared; ``python -m tests.readme`` writes them."""
    text = readme.README.read_text(encoding="utf-8")
    assert text == readme.rendered(text)


def test_a_readme_without_its_markers_is_an_error():
    """A block that lost its place is not silently left out."""
    with pytest.raises(ValueError, match="the markers of the block plan must stand there once each"):
        readme.rendered("no markers")


def test_every_command_that_the_readme_names_exists_with_its_flags():
    """What is written can be typed."""
    found = list(calls(readme.README.read_text(encoding="utf-8")))
    assert {"doctor", "plan", "explain", "apply", "restore", "policy rules"} <= {name for name, _ in found}
    wrong = [(name, used) for name, used in found if name not in COMMANDS or not set(used) <= flags(name)]
    assert wrong == []


def test_every_command_that_a_message_names_exists_with_its_flags():
    """A way out that cannot be typed is none: messages only name commands and flags there are."""
    pattern = re.compile(rf"microglia ({'|'.join(sorted(COMMANDS, key=len, reverse=True))})((?: --?[a-z-]+)*)\b")
    wrong = [
        f"{path.name}: {call.group()}"
        for path in SOURCES
        for call in pattern.finditer(path.read_text(encoding="utf-8"))
        if not set(call[2].split()) <= flags(call[1])
    ]
    assert wrong == []
