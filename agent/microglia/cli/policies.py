"""``microglia policy validate | schema | rules``."""

from pathlib import Path
from typing import Annotated

import typer

from microglia.cli.options import Output

policy = typer.Typer(help="Check policy files, print their schema, list the protection rules.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(policy, name="policy")


@policy.command()
def validate(paths: Annotated[list[Path], typer.Argument(help="Policy files or folders.")]) -> None:
    """Check policy files; every mistake is reported with its file, line and field."""
    from microglia.cli.files import read_policies
    from microglia.policy.warnings import Surroundings, warnings
    from microglia.protect.rules import RULES

    around = Surroundings(rules=frozenset(rule.code for rule in RULES))
    loaded = read_policies(paths)
    for found in loaded.policies:
        told = warnings(found, around)
        typer.echo(f"PruningPolicy {found.metadata.name}: valid" + (", but:" if told else ""))
        for warning in told:
            typer.echo(f"  {warning}")
    for protection in loaded.protections:
        typer.echo(f"Protection {protection.metadata.namespace}/{protection.metadata.name}: valid")


@policy.command()
def schema() -> None:
    """Print the JSON schema of PruningPolicy, for editors."""
    from microglia.policy.schema import PruningPolicy
    from microglia.report.data import to_json

    typer.echo(to_json(PruningPolicy.model_json_schema(by_alias=True)))


@policy.command()
def rules(output: Annotated[Output, typer.Option("--output", "-o", help="Format.")] = Output.TABLE) -> None:
    """List the protection rules, the gates and the retention rules, in the order in which they are applied."""
    from microglia.protect.rules import RULES
    from microglia.report.data import to_json, to_yaml
    from microglia.report.table import table
    from microglia.score.rules import RULES as RETENTION
    from microglia.verify.gates import GATES

    found = {
        "protection": [(rule.code, rule.meaning) for rule in RULES],
        "gate": [(gate.code, gate.meaning) for gate in GATES],
        "retention": [(name, (rule.__doc__ or "").splitlines()[0]) for name, rule in RETENTION.items()],
    }
    if output is not Output.TABLE:
        rows = {kind: [{"code": code, "meaning": meaning} for code, meaning in pairs] for kind, pairs in found.items()}
        typer.echo(to_json(rows) if output is Output.JSON else to_yaml(rows))
        return
    for kind, pairs in found.items():
        typer.echo(table((kind.upper(), "MEANING"), pairs) + "\n")
