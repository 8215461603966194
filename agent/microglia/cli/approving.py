"""``microglia approve | reject``: a person's word on a plan that waits in the cluster."""

from typing import Annotated

import typer

from microglia.cli.acting import Yes
from microglia.cli.asking import ask
from microglia.cli.errors import Exit, MistakeError
from microglia.cli.options import Where, expand

PlanId = Annotated[str, typer.Argument(metavar="PLAN", help="The plan's id; microglia status lists those that wait.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (approve, reject):
        app.command(command.__name__)(expand(command))


def approve(
    plan_id: PlanId,
    where: Where,
    lasts: Annotated[str, typer.Option("--for", help="How long the approval holds, such as 24h.")] = "24h",
    yes: Yes = False,
) -> None:
    """Let the agent carry out a plan: exactly this one, and before the approval runs out."""
    from microglia.cli.wiring import deciding
    from microglia.model.units import duration
    from microglia.plan.approval import Approval, by_git
    from microglia.report.offers import asked_text

    try:
        span = duration(lasts)
    except ValueError as error:
        raise MistakeError(f"--for: {error}", Exit.USAGE) from None
    if not span:
        raise MistakeError("--for: an approval must hold for a while; write 24h", Exit.USAGE)
    with deciding(where) as office:
        plan = office.waiting(plan_id).plan
        if elsewhere := by_git(plan):
            raise MistakeError(elsewhere)
        by = office.who()
        until = office.now + span
        typer.echo(asked_text(plan, office.currency(plan)))
        ask(f"Approve {plan.id} as {by}, until {until:%d %b %H:%M} UTC?", yes=yes)
        office.offers.approve(plan.id, Approval(digest=plan.digest, by=by, until=until))
        typer.echo(f'Approved. {office.follows(plan)}\nTake it back:  microglia reject {plan.id} --why "..."')


def reject(
    plan_id: PlanId,
    where: Where,
    why: Annotated[str, typer.Option("--why", help="For whoever looks at the plan next.")],
) -> None:
    """Say no to a plan; what it would take is left alone for a window."""
    from microglia.cli.wiring import deciding
    from microglia.plan.approval import Offer

    if not why.strip():
        raise MistakeError("--why is empty; say what speaks against the plan", Exit.USAGE)
    with deciding(where) as office:
        plan = office.waiting(plan_id).plan
        office.offers.reject(plan.id, office.who(), why)
        ends = Offer(plan, None, why).ends
        typer.echo(
            f"Rejected {plan.id}; what it would take is left alone until {ends:%d %b %H:%M} UTC, or until the policy "
            f"changes.\nTake it back:  microglia approve {plan.id}, or microglia reopen {plan.structure}"
        )
