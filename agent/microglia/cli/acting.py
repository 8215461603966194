"""``microglia apply | restore | reopen | status``: everything that changes the cluster asks first."""

from typing import Annotated

import typer

from microglia.cli.asking import ask
from microglia.cli.errors import Exit, MistakeError
from microglia.cli.options import Output, Rules, Seen, Show, Where, expand

Yes = Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.")]
LeaseNamespace = Annotated[str | None, typer.Option(help="Where the Lease lies that keeps two people apart.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (apply, restore, reopen, status):
        app.command(command.__name__)(expand(command))


def apply(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="The plan's id, or its file.")],
    where: Where,
    rules: Rules,
    yes: Yes = False,
    lease_namespace: LeaseNamespace = None,
) -> None:
    """Check a plan against fresh facts, ask, and carry it out one write at a time."""
    from microglia.cli.consent import agreed
    from microglia.cli.wiring import acting
    from microglia.report.deeds import record_text
    from microglia.verify.clear import Refused

    with acting(where, rules, lease_namespace) as (desk, hands):
        given = desk.plan(plan_id)
        if given.way == "git":
            raise MistakeError(f"{given.id} is for files in Git: microglia propose {given.id} --repo PATH writes them")
        result = agreed(desk, given, hands.conduct.clock, yes=yes)
        record = hands.carry_out(result) if result is not None else None
        if record is not None:
            typer.echo(record_text(record))
    if result is None or isinstance(result.checked, Refused):
        raise typer.Exit(Exit.REFUSED)
    if record is not None and any(step.state not in ("done", "undone") for step in record.steps):
        raise typer.Exit(Exit.FAILED)


def restore(
    where: Where,
    plan_id: Annotated[str | None, typer.Argument(metavar="PLAN", help="The plan to undo; none lists them.")] = None,
    everything: Annotated[bool, typer.Option("--all", metavar="", help="Undo every plan, newest first.")] = False,
    yes: Yes = False,
    lease_namespace: LeaseNamespace = None,
    uninstall: Annotated[
        bool,
        typer.Option("--uninstall", metavar="", help="With --all: wait for the lock, and let no agent prune after it."),
    ] = False,
) -> None:
    """Give back what a plan took. Needs only the journal and the API server, not Prometheus."""
    from microglia.cli.wiring import restoring
    from microglia.report.deeds import restorable_text

    if plan_id and everything:
        raise MistakeError(f"give {plan_id} or --all, not both", Exit.USAGE)
    if uninstall and not everything:
        raise MistakeError("--uninstall is for the last act before the agent goes; give it with --all", Exit.USAGE)
    with restoring(where, lease_namespace, holding=bool(plan_id or everything), parted=uninstall) as hands:
        chosen = hands.restorable(None if everything else plan_id) if plan_id or everything else []
        if not chosen:
            typer.echo(restorable_text(hands.world.journal.records()))
            return
        names = ", ".join(record.id for record in chosen)
        ask(f"Give back what {names} took from {hands.cluster_name}?", yes=yes)
        whole = hands.give_back(chosen)
        typer.echo(
            "Everything is back." if whole else "Not everything is back; the lines above say what is not, and why."
        )
        if not whole:
            raise typer.Exit(Exit.FAILED)


def reopen(
    where: Where,
    structure: Annotated[str, typer.Argument(help="The policy whose structure to open again.")] = "default",
    regrow: Annotated[
        bool, typer.Option("--regrow", metavar="", help="Also give back everything that was pruned.")
    ] = False,
    yes: Yes = False,
    lease_namespace: LeaseNamespace = None,
) -> None:
    """Open a hardened structure again: peaks and use from before the window are forgotten."""
    from microglia.cli.wiring import restoring
    from microglia.report.table import count

    with restoring(where, lease_namespace, holding=True) as hands:
        hands.known(structure)
        chosen = [record for record in hands.restorable(None) if record.plan.structure == structure] if regrow else []
        if chosen:
            ask(f"Give back what {count(len(chosen), 'plan')} took from {hands.cluster_name}?", yes=yes)
        hands.world.journal.reopen(structure, hands.now)
        typer.echo(f"{structure} is open again: the next lap looks at it anew.")
        if chosen and not hands.give_back(chosen):
            raise typer.Exit(Exit.FAILED)


def status(where: Where, rules: Rules, seen: Seen, show: Show) -> None:
    """Show the phase, what is under watch and how it fares, and what may be undone."""
    from microglia.cli.offline import rehearsing
    from microglia.report.data import to_json, to_yaml
    from microglia.report.deeds import orphans_text, outlook_text, restorable_text, status_text
    from microglia.report.offers import offers_data, offers_text

    with rehearsing(where, rules, seen.snapshot) as desk:
        up = desk.up()
        results = [desk.rehearse(policy) for policy in desk.policies]
        judged = {record.id: record for result in results for record in result.grounds.history.records}
        records = [judged.get(record.id, record) for record in desk.records()]
    if show.output is not Output.TABLE:
        found = [
            {
                "state": result.state,
                "verdicts": result.verdicts,
                "says": desk.says(result.state.structure),
                "offers": offers_data([one for one in up if one.plan.structure == result.state.structure], desk.now),
            }
            for result in results
        ]
        typer.echo(to_json(found) if show.output is Output.JSON else to_yaml(found))
        return
    for result in results:
        mode = result.policy.spec.actuation.mode
        typer.echo(status_text(result.grounds.history, result.state))
        typer.echo(outlook_text(result.checked, mode, desk.says(result.state.structure)))
    left = orphans_text(records, [policy.metadata.name for policy in desk.policies])
    if left:
        typer.echo(left)
    if up:
        typer.echo(offers_text(up, desk.now))
    typer.echo(restorable_text(records))
