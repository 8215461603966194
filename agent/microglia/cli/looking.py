"""``microglia doctor | snapshot | map``."""

from pathlib import Path
from typing import Annotated

import typer

from microglia.cli.errors import Exit
from microglia.cli.options import Output, Printed, Rules, Seen, Show, Where, expand


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (doctor, snapshot, map_):
        app.command(command.__name__.rstrip("_"))(expand(command))


def doctor(
    where: Where,
    rules: Rules,
    seen: Seen,
    show: Show,
    printed: Printed,
) -> None:
    """Say what was found, what cannot be seen, and what that costs."""
    from microglia.cli.diagnosis import diagnose, diagnose_file, metric_names, recording_rules, roles
    from microglia.report.data import to_json, to_yaml
    from microglia.report.look import doctor_text

    if printed.rbac or printed.rbac_act:
        typer.echo(roles(where, printed))
        return
    if printed.rules:
        typer.echo(recording_rules(where), nl=False)
        return
    if printed.metrics:
        typer.echo("\n".join(metric_names(where)))
        return
    findings = diagnose_file(seen.snapshot, where, rules) if seen.snapshot else diagnose(where, rules)
    match show.output:
        case Output.TABLE:
            typer.echo(doctor_text(findings))
        case Output.JSON:
            typer.echo(to_json(findings))
        case Output.YAML:
            typer.echo(to_yaml(findings))
    if any(finding.grade == "missing" for finding in findings):
        raise typer.Exit(Exit.FAILED)


def snapshot(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    where: Where,
    rules: Rules,
    redact: Annotated[bool, typer.Option("--redact", metavar="", help="Hash every name.")] = False,
) -> None:
    """Write what is seen to a file: for bug reports, tests, and planning without a cluster."""
    from microglia.cli.offline import rehearsing
    from microglia.observe.recorded import redacted, save

    with rehearsing(where, rules, None) as desk:
        seen = desk.see(desk.policies[0]).snapshot
        save(redacted(seen) if redact else seen, file)
    typer.echo(
        f"{file}: {len(seen.activity.workloads.keys)} workloads with traffic, digest {seen.digest[:12]}", err=True
    )


def map_(
    where: Where,
    rules: Rules,
    seen: Seen,
    show: Show,
    protected: Annotated[
        bool, typer.Option("--protected", metavar="", help="List what is protected, and by what.")
    ] = False,
) -> None:
    """Show workloads, replicas and calls; or what is protected."""
    from microglia.cli.offline import rehearsing
    from microglia.report.data import to_json, to_yaml
    from microglia.report.look import map_text, protected_text
    from microglia.report.seen import seen_text
    from microglia.score.seen import see_window

    with rehearsing(where, rules, seen.snapshot) as desk:
        results = [desk.rehearse(policy) for policy in desk.policies]
    if show.output is Output.TABLE:
        for result in results:
            topology = result.grounds.topology
            if protected:
                typer.echo(protected_text(topology, result.grounds.protections, everything=show.everything))
            else:
                typer.echo(map_text(topology, everything=show.everything))
                typer.echo(f"\n{seen_text(see_window(topology, result.policy.spec))}")
        return
    found = [result.grounds.protections if protected else result.grounds.topology.workloads for result in results]
    typer.echo(to_json(found) if show.output is Output.JSON else to_yaml(found))
