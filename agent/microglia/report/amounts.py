"""How figures are printed."""

from collections.abc import Mapping

from microglia.model.units import show_bytes, show_cpu, show_share
from microglia.plan.change import Saving
from microglia.report.table import count

LITTLE = 0.0001
"""Shares below this are told as less than it."""


def figure(value: float) -> str:
    """Three significant digits, thousands separated: ``0.05``, ``1,203``."""
    if value == 0:
        return "0"
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    if abs(value) < 0.0001:
        return f"{value:.0e}"
    return f"{value:.3g}"


def little(share: float) -> str:
    """A share of which nobody needs more than two digits behind the point."""
    return show_share(share) if share >= LITTLE else "under 0.01 %"


def precise(value: float) -> str:
    """Four significant digits, as the arithmetic of scores has them: ``79.99``, ``2,364``."""
    return f"{value:,.0f}" if abs(value) >= 9999.5 else f"{value:,.4g}"


def exact(value: float, digits: int = 6) -> str:
    """Six significant digits: so many that what is computed from them comes out as it is printed with five."""
    return f"{value:,.0f}" if abs(value) >= 10**digits - 0.5 else f"{value:,.{digits}g}"


def resource(name: str, amount: float, currency: str = "") -> str:
    """An amount of a budgeted resource with its unit."""
    match name:
        case "cpu":
            return show_cpu(amount)
        case "memory" | "proxyConfig":
            return show_bytes(amount)
        case "money":
            return f"{figure(amount)} {currency}/month" if currency else f"{figure(amount)}/month"
        case "replicas":
            return count(amount, "replica")
    return f"{figure(amount)} {name}"


def saving(amount: Saving, currency: str = "") -> str:
    """``0.5 cpu, 1.0 Gi``: only what is not zero; negative amounts are given back."""
    parts = []
    if amount.cpu:
        parts.append(show_cpu(amount.cpu))
    if amount.memory:
        parts.append(show_bytes(amount.memory))
    if amount.proxy_config:
        parts.append(f"{show_bytes(amount.proxy_config)} proxy")
    if amount.money and currency:
        parts.append(f"{figure(amount.money)} {currency}/month")
    return ", ".join(parts) or "-"


def saved(amount: Saving, currency: str = "") -> str:
    """What a whole plan gives back, its replicas first: ``2 replicas, 1.2 cpu, 768 Mi, 29.4 USD/month``."""
    told = saving(amount, currency)
    return f"{count(amount.replicas, 'replica')}, {told}" if amount.replicas else told


_UNITS = {"cpu": (1.0, "cpu"), "memory": (2.0**30, "Gi"), "proxyConfig": (2.0**20, "Mi"), "replicas": (1.0, "replica")}


def worth(rule: str) -> str:
    """The unit in which the elements of a retention rule compete."""
    return "h/week" if rule == "presence" else "requests/h"


def price(name: str, amount: float, rule: str = "", currency: str = "") -> str:
    """A shadow price: how much worth, by ``rule``, one more unit of the resource would keep."""
    if not amount:
        return "0: there is room"
    size, unit = _unit(name, currency)
    return f"{figure(amount * size)} {worth(rule)} per {unit}"


def _unit(name: str, currency: str) -> tuple[float, str]:
    """How much of a resource a price is for, and what that is called."""
    if name == "money":
        return 1.0, f"{currency or 'money'}/month"
    return _UNITS.get(name, (1.0, name))


def bill(costs: Mapping[str, tuple[float, float]], currency: str = "") -> str:
    """What room costs at the prices, to be recomputed: ``1.125 Gi x 0.006605 = 0.007431``. ``costs`` are amount and
    price by resource; what is free is left out, and all of it is ``0``."""
    terms, total = [], 0.0
    for name, (amount, each) in costs.items():
        if amount and each:
            size, unit = _unit(name, currency)
            terms.append(f"{precise(amount / size)} {unit} x {precise(each * size)}")
            total += amount * each
    return f"{' + '.join(terms)} = {precise(total)}" if terms else "0"


def winner(identity: str, loser: str) -> str:
    """Who ``loser`` lost to; of a workload's own steps the first are worth the most."""
    found = element(identity)
    return f"its own {found.removeprefix(f'{loser} ')}" if identity.startswith(f"replica:{loser}:") else found


def element(identity: str) -> str:
    """``replica:shop/cart:3-5`` as ``shop/cart 3 -> 5``; ``route:shop/web:data:db.data...`` as ``shop/web -> data``."""
    kind, _, rest = identity.partition(":")
    subject, _, detail = rest.partition(":")
    if kind == "replica":
        return f"{subject} {detail.replace('-', ' -> ')}"
    return f"{subject} -> {detail.partition(':')[0]}" if kind == "route" else identity
