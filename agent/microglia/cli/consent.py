"""What a person agrees to before anything is written, and that it still holds when the answer comes."""

from collections.abc import Callable
from datetime import datetime

import typer

from microglia.cli.asking import ask
from microglia.cli.desk import Desk
from microglia.cycle import Rehearsal
from microglia.model.units import show_duration
from microglia.plan.document import Plan
from microglia.report.deeds import again_text
from microglia.report.plans import consent_text
from microglia.report.table import count
from microglia.verify.clear import Refused
from microglia.verify.identity import SNAPSHOT_LASTS


def agreed(desk: Desk, given: Plan, clock: Callable[[], datetime], *, yes: bool) -> Rehearsal | None:
    """``given`` checked against fresh facts, shown, and agreed to; or refused, which is shown as well.

    An answer that came late is not about the world as it is now: everything is looked at again then, and a person who
    would get something else is asked anew. None when the plan was applied before. Raises MistakeError for a no.
    """
    before: Rehearsal | None = None
    while True:
        result = desk.rehearse(desk.policy_of(given), given)
        if before is not None and _same(before, result):
            typer.echo("Checked again just now; it still holds.")
            return result
        if before is not None:
            typer.echo("It is not what you agreed to any more:")
        once = _shown(desk, given, result)
        if once or isinstance(result.checked, Refused) or not result.plan.changes:
            return None if once and not isinstance(result.checked, Refused) else result
        ask(f"Write {count(len(result.plan.changes), 'change')} to {desk.cluster_name}?", yes=yes)
        waited = clock() - desk.now
        if waited <= SNAPSHOT_LASTS:
            return result
        allowed = show_duration(SNAPSHOT_LASTS)
        typer.echo(f"The cluster was looked at {show_duration(waited)} ago, longer than {allowed}: looking again.")
        desk, before = desk.again(), result


def _shown(desk: Desk, given: Plan, result: Rehearsal) -> bool:
    """Show what would be done; whether that was done before."""
    mine = result.plan.id == given.id
    record = desk.applied(given) if mine else None
    if record is not None:
        typer.echo(again_text(record))
    if not mine and given.purpose == "prune":
        typer.echo(f"What hurt is given back first; {given.id} waits. Make a new plan after this one.")
    if record is None or isinstance(result.checked, Refused):
        typer.echo(consent_text(result.checked, desk.view(result.policy, everything=True)))
    return record is not None


def _same(before: Rehearsal, now: Rehearsal) -> bool:
    """Whether the same things would be done. When a plan that gives back was made differs each time."""
    if isinstance(now.checked, Refused):
        return False
    return (before.plan.purpose, before.plan.changes) == (now.plan.purpose, now.plan.changes)
