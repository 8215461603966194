"""Consent: everything that changes the cluster asks first."""

import typer

from microglia.cli.errors import MistakeError


def ask(question: str, *, yes: bool) -> None:
    """Return when a person agrees, or has said ``--yes``. Raises MistakeError otherwise."""
    if yes:
        return
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        raise MistakeError("\nNobody answered; nothing was changed. Where nobody can be asked, give --yes.") from None
    if not agreed:
        raise MistakeError("Nothing was changed.")
