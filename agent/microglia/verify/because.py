"""Why protections refuse a change, in words; what stands only for kinds that could not be read, in one sentence."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from microglia.protect.blind import blind_spot
from microglia.protect.keep import Rule
from microglia.protect.ledger import Protection

BLIND = Rule(blind_spot).code


def told(found: Iterable[Protection]) -> Iterator[Protection]:
    """Each protection; in place of one per kind that could not be read, one that names all of them."""
    blind: list[Protection] = []
    for protection in found:
        if protection.rule == BLIND:
            blind.append(protection)
        else:
            yield protection
    if blind:
        kinds = ", ".join(dict.fromkeys(one.source.kind for one in blind))
        yield replace(blind[0], reason=f"whether one of these asks for it could not be read: {kinds}")


def because(protection: Protection) -> str:
    """The reason, where it is written, and the way out."""
    if protection.rule == BLIND:
        return f"{protection.reason}; grant them: microglia doctor --rbac | kubectl apply -f -"
    return f"{protection.reason} ({protection.source}, {protection.field}); make a new plan: microglia plan"
