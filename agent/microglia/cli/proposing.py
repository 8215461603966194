"""``microglia propose``: the plan as files in Git, for whatever Git, Helm or an operator owns."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microglia.cli.errors import Exit, MistakeError
from microglia.cli.options import Output, Rules, Show, Where, expand

if TYPE_CHECKING:
    from microglia.act.gitops.files import Hints
    from microglia.cli.desk import Desk
    from microglia.plan.document import Plan
    from microglia.policy.schema import PruningPolicy
    from microglia.report.proposal import Outcome

GIT = "Where it goes"


@dataclass(frozen=True, slots=True)
class Files:
    """The checkout, and what a person says about it."""

    repo: Annotated[
        Path, typer.Option(help="A checkout with the manifests; it is not touched.", rich_help_panel=GIT)
    ] = Path()
    out: Annotated[
        str | None,
        typer.Option(
            metavar="BRANCH-OR-FOLDER",
            help="A new branch, or (./NAME) a folder for patches. Else the branch microglia/PLAN.",
            rich_help_panel=GIT,
        ),
    ] = None
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORKLOAD=PATH",
            help="Which kustomization or file a workload comes from; repeatable.",
            rich_help_panel=GIT,
        ),
    ] = None
    values_path: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORKLOAD=FILE:PATH",
            help="Which Helm value its count is, a.b in FILE; repeatable.",
            rich_help_panel=GIT,
        ),
    ] = None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("propose")(expand(propose))


def propose(
    where: Where,
    rules: Rules,
    show: Show,
    files: Files,
    plan_id: Annotated[
        str | None, typer.Argument(metavar="PLAN", help="A plan's id (saved, or up in the cluster) or file; else new.")
    ] = None,
    structure: Annotated[str | None, typer.Option(help="The policy it is about, where several are in force.")] = None,
) -> None:
    """Write the plan as patches of a Git checkout, with their inverses and a text for reviewers. Pushes nothing."""
    from microglia.act.gitops.git import repository
    from microglia.act.gitops.proposing import Place, note
    from microglia.act.gitops.proposing import propose as write
    from microglia.cli.wiring import proposing
    from microglia.cycle import remember
    from microglia.report.plans import refusals_text
    from microglia.verify.clear import Proposable, Refused

    hints = _hints(files.at or [], files.values_path or [])
    with proposing(where, rules) as (desk, journal, shelf):
        checkout = repository(files.repo)
        given = desk.plan(plan_id) if plan_id else None
        policy = _policy(desk, given, structure)
        if given is not None and given.way != "git":
            given = given.model_copy(update={"way": "git", "whole": ""})
        result = desk.rehearse(policy, given, "git")
        remember(result, journal, desk.now)
        checked = result.checked
        if isinstance(checked, Refused):
            typer.echo(refusals_text(checked))
            raise typer.Exit(Exit.REFUSED)
        if not isinstance(checked, Proposable) or not checked.plan.changes:
            typer.echo("Nothing to propose in this lap; microglia plan says what holds what stays.")
            return
        desk.plans.save(checked.plan)
        out = files.out or f"microglia/{checked.plan.id}"
        folder = _folder(out)
        target = Place(checkout, "" if folder else out, folder or shelf / checked.plan.id, hints)
        outcome = write(checked, result.grounds.topology, target, policy.spec.prices.currency)
        note(checked, outcome, journal, desk.now)
    _tell(checked.plan, outcome, show.output)


def _tell(made: "Plan", outcome: "Outcome", output: Output) -> None:
    from microglia.report.data import to_json, to_yaml
    from microglia.report.proposal import outcome_data, outcome_text

    if output is Output.TABLE:
        typer.echo(outcome_text(made, outcome))
    else:
        found = outcome_data(made, outcome)
        typer.echo(to_json(found) if output is Output.JSON else to_yaml(found))
    if not any(part.files for part in outcome.parts):
        raise typer.Exit(Exit.FAILED)


def _policy(desk: "Desk", given: "Plan | None", structure: str | None) -> "PruningPolicy":
    if given is not None:
        return desk.policy_of(given)
    names = [policy.metadata.name for policy in desk.policies]
    if structure is None and len(names) > 1:
        raise MistakeError(
            f"one proposal is about one policy, and in force are {', '.join(names)}: name one with --structure",
            Exit.USAGE,
        )
    chosen = [policy for policy in desk.policies if structure in {None, policy.metadata.name}]
    if not chosen:
        raise MistakeError(f"no policy {structure} is in force, only {', '.join(names)} ({desk.origin})", Exit.USAGE)
    return chosen[0]


def _folder(out: str) -> Path | None:
    """The folder that ``out`` names; None for a branch, whose name may hold slashes too."""
    named = Path(out).expanduser()
    return named if out.startswith((".", "/", "~")) or out.endswith("/") or named.is_dir() else None


def _hints(at: list[str], values_path: list[str]) -> "Hints":
    from microglia.act.gitops.files import Hints

    places, values = {}, {}
    for text in at:
        workload, sign, path = text.partition("=")
        if not (sign and "/" in workload and path):
            raise MistakeError(f"--at {text}: write WORKLOAD=PATH, as in shop/cart=overlays/prod", Exit.USAGE)
        places[workload] = path.strip("/").removeprefix("./") if path.strip("./") else ""
    for text in values_path:
        workload, _, place = text.partition("=")
        path, sign, keys = place.rpartition(":")
        if not (sign and "/" in workload and path and all(keys.split("."))):
            example = "shop/cart=values-prod.yaml:cart.replicaCount"
            raise MistakeError(f"--values-path {text}: write WORKLOAD=FILE:PATH, as in {example}", Exit.USAGE)
        values[workload] = (path.removeprefix("./"), tuple(keys.split(".")))
    return Hints(places, values)
