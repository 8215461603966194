"""``microglia plan | explain | replay``: rehearsals; they change nothing."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from microglia.cli.errors import Exit, MistakeError
from microglia.cli.options import Output, Rules, Seen, Show, Where, expand
from microglia.model.ids import WorkloadId


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (plan, explain, replay):
        app.command(command.__name__)(expand(command))


def plan(
    where: Where,
    rules: Rules,
    seen: Seen,
    show: Show,
    save: Annotated[Path | None, typer.Option(help="Also write the plan document to this file.")] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", metavar="", help="Exit with 4 when changes are pending.")
    ] = False,
) -> None:
    """Decide what would be pruned, and why; what is spared; what is missing. Changes nothing."""
    from microglia.cli.ending import keep
    from microglia.cli.offline import rehearsing
    from microglia.report.data import to_json, to_yaml
    from microglia.report.plans import plan_data, plan_text
    from microglia.store.plans import export
    from microglia.verify.clear import Refused

    with rehearsing(where, rules, seen.snapshot) as desk:
        if save and len(desk.policies) > 1:
            names = ", ".join(policy.metadata.name for policy in desk.policies)
            raise MistakeError(f"--save takes one plan, and these policies make one each: {names}", Exit.USAGE)
        results = [desk.rehearse(policy) for policy in desk.policies]
        keep(desk, results)
        for result in results:
            if desk.live:
                desk.plans.save(result.plan)
            if save:
                export(result.plan, save)
        if show.output is Output.TABLE:
            views = [desk.view(result.policy, everything=show.everything) for result in results]
            screens = [plan_text(result.checked, view) for result, view in zip(results, views, strict=True)]
            typer.echo("\n\n".join(screens))
        else:
            found = [plan_data(result.checked) for result in results]
            typer.echo(to_json(found) if show.output is Output.JSON else to_yaml(found))
    if any(isinstance(result.checked, Refused) for result in results):
        raise typer.Exit(Exit.REFUSED)
    if exit_code and any(result.plan.changes for result in results):
        raise typer.Exit(Exit.PENDING)


def explain(
    workload: Annotated[str, typer.Argument(help="namespace/name or Kind/namespace/name; or the name alone.")],
    where: Where,
    rules: Rules,
    seen: Seen,
    show: Show,
) -> None:
    """Show everything about one workload, with the arithmetic."""
    from microglia.cli.offline import rehearsing
    from microglia.report.data import to_json, to_yaml
    from microglia.report.explain import explain_text
    from microglia.report.seen import showing

    with rehearsing(where, rules, seen.snapshot) as desk:
        result = desk.rehearse(desk.policies[0])
        target = meant(workload, result.grounds.topology.workloads)
        for policy in desk.policies[1:]:
            if target not in result.grounds.scores.replicas:
                result = desk.rehearse(policy)
    decision = result.grounds
    if show.output is Output.TABLE:
        typer.echo(explain_text(target, decision, result.plan, result.policy.spec))
        return
    found = {
        "workload": result.grounds.topology.workloads[target],
        "score": result.grounds.scores.replicas.get(target),
        "window": showing(target, decision.topology, result.policy.spec),
        "routes": [route for route in result.grounds.scores.routes if route.client == target],
        "protections": result.grounds.protections.of(target),
        "target": result.grounds.selection.targets.get(target),
        "changes": [change for change in result.plan.changes if change.id == target],
    }
    typer.echo(to_json(found) if show.output is Output.JSON else to_yaml(found))


def meant(workload: str, known: Collection[WorkloadId]) -> WorkloadId:
    """A bare name will do where only one workload has it. Raises MistakeError."""
    from difflib import get_close_matches

    found = [one for one in sorted(known) if workload in (one.name, str(one), f"{one.kind}/{one.key}")]
    if len(found) > 1:
        raise MistakeError(f"{workload} may be {' or '.join(map(str, found))}; write which", Exit.USAGE)
    if found:
        return found[0]
    names = {str(one) if "/" in workload else one.name: str(one) for one in sorted(known)}
    near = [names[text] for text in get_close_matches(workload, names, n=3)]
    hint = f"did you mean {' or '.join(near)}?" if near else "see them all with: microglia map --all"
    raise MistakeError(f"no workload {workload} in this cluster; {hint}")


def replay(
    where: Where,
    rules: Rules,
    seen: Seen,
    show: Show,
    plan_id: Annotated[str | None, typer.Argument(metavar="PLAN", help="A plan's id or file; else a new one.")] = None,
) -> None:
    """Play the recorded window against the mesh as a plan would leave it; lose every node, zone and service once."""
    from microglia.cli.offline import rehearsing
    from microglia.report.data import to_json, to_yaml
    from microglia.report.totals import replay_text

    with rehearsing(where, rules, seen.snapshot) as desk:
        given = desk.plan(plan_id) if plan_id else None
        chosen = [one for one in desk.policies if given is None or one.metadata.name == given.structure]
        if not chosen and given:
            raise MistakeError(f"{given.id} was made for structure {given.structure}; give its policy with --policy")
        results = [desk.rehearse(policy, given) for policy in chosen]
    if show.output is Output.TABLE:
        typer.echo("\n".join(replay_text(result.checked) for result in results))
        return
    found = [result.checked.proof for result in results]
    typer.echo(to_json(found) if show.output is Output.JSON else to_yaml(found))
