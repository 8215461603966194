"""Option groups."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from microglia.cli.options import expand


@dataclass(frozen=True)
class Colours:
    """A group."""

    red: Annotated[int, typer.Option(help="How red.")] = 1
    blue: Annotated[list[str] | None, typer.Option(help="Which blues.")] = None


def test_a_group_becomes_options_and_arrives_as_one_value():
    """A command declares a group once and gets all of its fields."""
    app = typer.Typer()
    got = []

    def paint(
        wall: Annotated[str, typer.Argument()], colours: Colours, coats: Annotated[int, typer.Option()] = 2
    ) -> None:
        """Paint a wall."""
        got.append((wall, colours, coats))

    app.command()(expand(paint))
    result = CliRunner().invoke(app, ["north", "--red", "7", "--blue", "sky", "--blue", "navy", "--coats", "3"])
    assert (result.exit_code, got) == (0, [("north", Colours(7, ["sky", "navy"]), 3)])
    assert CliRunner().invoke(app, ["north"]).exit_code == 0
    assert got[1] == ("north", Colours(1, None), 2)
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "How red." in shown
    assert "Paint a wall." in shown
