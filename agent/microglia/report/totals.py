"""What a plan comes to: the budgets, the saving, and the proof that nothing is missed."""

from microglia.model.units import show_duration, show_share
from microglia.plan.document import AccountLine, Plan
from microglia.report.amounts import figure, price, resource, saving
from microglia.report.table import count, paragraph, table
from microglia.verify.clear import Cleared, Refused

LITTLE = 0.0001
HEADER = ("RESOURCE", "LOAD-BEARING", "BUDGET", "NOW", "KEPT IN THE END", "PRICE")


def totals_text(plan: Plan, currency: str) -> str:
    """One row per budget, what cannot be met, and what this plan gives back."""
    if not plan.accounts:
        return ""
    lines = [table(HEADER, [_account(line, currency) for line in plan.accounts])]
    if any(line.kept > line.budget for line in plan.accounts):
        lines.append(paragraph("Now and kept hold what rules pin, too; a budget does not count it."))
    lines += [paragraph(_over(line, currency)) for line in plan.accounts if line.short > 0]
    if plan.changes:
        lines.append(paragraph(f"This plan saves {saving(plan.saving, currency)}."))
    return "\n".join(lines)


def replay_text(checked: Cleared | Refused) -> str:
    """What the recorded window would have met on the pruned mesh, and what losing one thing at a time would do."""
    plan, proof = checked.plan, checked.proof
    if plan.purpose != "prune":
        return paragraph("Nothing was replayed: this plan only gives back.")
    span = show_duration(plan.window_end - plan.window_start)
    tried = ", ".join(count(number, kind) for kind, number in sorted(proof.failures.items()))
    worse = "none worse" if proof.worse == 0 else f"{proof.worse} worse"
    over = f"{figure(proof.over_capacity)} above capacity"
    if proof.over_capacity and isinstance(checked, Cleared):
        over += ", none beyond what was accepted before"
    replay = f"{figure(proof.unrouted)} of {proof.requests:,.0f} requests without a route, {over}"
    return paragraph(f"Replay of {span} on the pruned mesh: {replay}. N-1 ({tried or 'nothing to lose'}): {worse}.")


def proof_text(checked: Cleared | Refused) -> str:
    """The replay, and how near to the best possible the selection is."""
    found = checked.plan.competition
    if not found:
        return replay_text(checked)
    kept = found.value / found.bound if found.bound else 1.0
    unseen = show_share(checked.proof.unseen) if checked.proof.unseen >= LITTLE else "under 0.01 %"
    told = f"Value kept: {kept:.3%} of the bound. Unseen mass: {unseen}."
    return replay_text(checked) + "\n" + paragraph(told)


def _account(line: AccountLine, currency: str) -> tuple[str, ...]:
    amounts = (line.load_bearing, line.budget, line.present, line.kept)
    shown = (resource(line.resource, amount, currency) for amount in amounts)
    return line.resource, *shown, price(line.resource, line.price)


def _over(line: AccountLine, currency: str) -> str:
    over, holders = resource(line.resource, line.short, currency), ", ".join(line.held_up_by)
    cannot = f"The budget for {line.resource} cannot be met: load-bearing alone is over it by {over}"
    return f"{cannot}, held up by {holders}. Nothing load-bearing is cut; raise spec.budget.{line.resource}."
