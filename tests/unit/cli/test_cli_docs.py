"""The documents say what the code does."""

import re
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML
from typer.main import get_command

from microglia.cli.app import app
from microglia.observe.dialects import loading as dialects
from microglia.policy.load import parse
from microglia.verify.gates import GATES
from tests.chart import CHART
from tests.reference import FILE, reference

DOCS = FILE.parent
PAGES = sorted(DOCS.glob("*.md"))
RUNBOOK = (DOCS / "runbook.md").read_text(encoding="utf-8")


def test_the_policy_reference_is_the_schema() -> None:
    """What ``python -m tests.reference`` writes is what lies there."""
    assert FILE.read_text(encoding="utf-8") == reference()


def test_every_gate_has_a_way_out_in_the_runbook() -> None:
    """Each gate once, in order, with its meaning and at least a sentence on what to do; and no gate that is gone."""
    told = dict(re.findall(r"^### `(.+?)`\n\n(.+?)(?=\n\n)", RUNBOOK, flags=re.MULTILINE | re.DOTALL))
    assert list(told) == [gate.code for gate in GATES]
    for gate in GATES:
        words = " ".join(told[gate.code].split())
        assert words.startswith(f"*{gate.meaning}* ")
        assert len(words) > len(gate.meaning) + 20


def test_every_alert_has_an_entry_in_the_runbook() -> None:
    """Each alert of the chart, and none besides."""
    rules = YAML(typ="safe").load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    part = RUNBOOK.partition("## Refusals")[0]
    assert re.findall(r"^### (\w+)$", part, flags=re.MULTILINE) == [rule["alert"] for rule in rules]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to another page, and to a heading in it."""
    for target, _, heading in re.findall(r"\]\(([\w.-]+\.md)(#([\w-]+))?\)", page.read_text(encoding="utf-8")):
        there = (DOCS / target).read_text(encoding="utf-8")
        assert not heading or re.search(rf"^#+ {heading}$", there.lower(), flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_values_that_are_set_exist(page: Path) -> None:
    """Every ``--set`` of a page names a value of the chart."""
    values = YAML(typ="safe").load((CHART / "values.yaml").read_text(encoding="utf-8"))
    for path in re.findall(r"--set '?([\w.]+)=", page.read_text(encoding="utf-8")):
        found = values
        for key in path.split("."):
            assert key in found, path
            found = found[key]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_can_be_used(page: Path) -> None:
    """YAML that people copy is valid, and commands of microglia exist."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```yaml\n(.+?)```", text, flags=re.DOTALL):
        if page.stem == "dialects":
            assert dialects.parse(block.encode(), page.name).counters
        else:
            assert parse(block.encode(), page.name).errors == ()
    commands = get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    blocks = re.findall(r"```\n(.+?)```", text, flags=re.DOTALL)
    typed = {name for block in blocks for name in re.findall(r"^microglia (\w+)", block, flags=re.MULTILINE)}
    typed |= set(re.findall(r"`microglia (\w+)[^`]*`", text))
    assert typed <= set(commands.commands)
