"""What a plan comes to: the budgets, the saving, and the proof that nothing is missed."""

from microglia.model.units import show_duration
from microglia.plan.document import AccountLine, Competition, Plan
from microglia.report.amounts import LITTLE, figure, little, price, resource, saved, worth
from microglia.report.table import count, paragraph, table
from microglia.verify.clear import Checked, Refused

FEW = 200
"""Elements below which steps are large beside the whole, so that budgets cannot be filled to the brim."""
HEADER = ("RESOURCE", "LOAD-BEARING", "BUDGET", "OUTSIDE", "NOW", "KEPT IN THE END", "PRICE")
OUTSIDE = (
    "Outside a budget is what rules pin (outside an absolute one: what could not be seen); now and kept hold it, too."
)


def totals_text(plan: Plan, currency: str) -> str:
    """One row per budget, what cannot be met, and what this plan gives back."""
    if not plan.accounts:
        return ""
    lines = [table(HEADER, [_account(line, currency, plan.rule) for line in plan.accounts])]
    if any(line.outside or line.kept > line.budget for line in plan.accounts):
        lines.append(paragraph(OUTSIDE))
    lines += [paragraph(_over(line, currency)) for line in plan.accounts if line.short > 0]
    if plan.changes:
        lines.append(paragraph(f"This plan saves {saved(plan.saving, currency)}."))
    return "\n".join(lines)


def replay_text(checked: Checked) -> str:
    """What the recorded window would have met on the pruned mesh, and what losing one thing at a time would do."""
    plan, proof = checked.plan, checked.proof
    if plan.purpose != "prune":
        return paragraph("Nothing was replayed: this plan only gives back.")
    span = show_duration(plan.window_end - plan.window_start)
    tried = ", ".join(count(number, kind) for kind, number in sorted(proof.failures.items()) if number)
    worse = "none worse" if proof.worse == 0 else f"{proof.worse} worse"
    replay = f"{figure(proof.unrouted)} of {proof.requests:,.0f} requests without a route, {_above(checked)}"
    return paragraph(f"Replay of {span} on the pruned mesh: {replay}. N-1 ({tried or 'nothing to lose'}): {worse}.")


def _above(checked: Checked) -> str:
    """Requests above capacity, and how many of them the plan adds to those of today."""
    before, after = checked.proof.over_before, checked.proof.over_capacity
    if after <= before:
        return f"{figure(after)} above capacity" + (", as many as today without the plan" if before else "")
    told = f"{figure(after)} above capacity, {figure(before)} today: the plan adds {figure(after - before)}"
    # Spare steps, and what the policy lets go below need, were known to cost something when the worst happens.
    return f"{told}, within what its steps were known to cost" if not isinstance(checked, Refused) else told


def proof_text(checked: Checked) -> str:
    """The replay, and how near to the best possible the selection is."""
    found = checked.plan.competition
    if not found:
        return replay_text(checked)
    unseen, most = little(checked.proof.unseen), checked.proof.unseen_at_most
    limit = f", at most {little(most)} (95 %)" if most >= LITTLE else ""
    told = f"Value kept: {_kept(found, checked.plan.rule)}. Unseen mass: {unseen}{limit}."
    return replay_text(checked) + "\n" + paragraph(told)


def _kept(found: Competition, rule: str) -> str:
    """How much of the bound is kept; a gap that no other choice of whole steps need be able to fill is told as such."""
    short = max(found.bound - found.value, 0.0)
    share = found.value / found.bound if found.bound else 1.0
    told = f"{100 * share:.3f} % of the bound"
    if short < LITTLE * found.bound or not short:
        return told
    told += f", {figure(short)} {worth(rule)} short of it"
    if short <= found.largest:
        told += f": no more than one step (the largest that yields is worth {figure(found.largest)})"
    return f"{told}; {count(found.elements, 'element')} compete" if 0 < found.elements < FEW else told


def _account(line: AccountLine, currency: str, rule: str) -> tuple[str, ...]:
    amounts = (line.load_bearing, line.budget, line.outside, line.present, line.kept)
    if line.resource == "money":
        name, shown = f"{currency or 'money'}/month", [figure(amount) for amount in amounts]
    else:
        name, shown = line.resource, [_amount(line.resource, amount) for amount in amounts]
    return name, *shown, price(line.resource, line.price, rule, currency)


def _amount(name: str, amount: float) -> str:
    """The row says what is counted."""
    return figure(amount) if name == "replicas" else resource(name, amount)


def _over(line: AccountLine, currency: str) -> str:
    over, holders = resource(line.resource, line.short, currency), ", ".join(line.held_up_by)
    cannot = f"The budget for {line.resource} cannot be met: load-bearing alone is over it by {over}"
    return f"{cannot}, held up by {holders}. Nothing load-bearing is cut; raise spec.budget.{line.resource}."
