"""``microglia run``: the lap, repeated in the cluster by a reader and a writer."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from microglia.cli.errors import Exit, MistakeError
from microglia.cli.options import Rules, Where, expand

_log = logging.getLogger("microglia.run")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(expand(run))


def run(
    where: Where,
    rules: Rules,
    role: Annotated[
        Literal["reader", "writer"], typer.Option("--as", help="reader looks and plans, writer gives back and acts.")
    ] = "reader",
    lease_namespace: Annotated[str | None, typer.Option(help="Where the Leases lie.")] = None,
    interval: Annotated[float | None, typer.Option(help="Seconds between laps.")] = None,
    listen: Annotated[str | None, typer.Option(help="host:port of /metrics, /healthz and /readyz.")] = None,
) -> None:
    """Stay and repeat the lap, as an agent in the cluster does; ends on SIGTERM, and when another agent leads."""
    from microglia.act.lock import Time
    from microglia.cli.agents import Station, keep_running
    from microglia.cli.offline import mistakes
    from microglia.cli.wiring import checked
    from microglia.daemon.logs import log_to
    from microglia.observe.kube import connect

    # Commands do without: they are short. This one stays.
    gc.enable()
    log_to(verbose=where.verbose)
    with _told(), mistakes():
        settings = checked(where, rules, {"lease_namespace": lease_namespace, "interval": interval, "listen": listen})
        cluster = connect(settings.context, settings.kubeconfig)
        keep_running(Station(settings, cluster, cluster.facts(), Time()), role)


@contextmanager
def _told() -> Iterator[None]:
    """What ends the process is a line of its log like every other, and an exit code: no bare text, no bare traceback.

    Raises typer.Exit.
    """
    try:
        yield
    except MistakeError as mistake:
        _log.error("ends: %s", mistake)
        raise typer.Exit(mistake.code) from mistake
    except Exception as bug:
        _log.exception("ends: nobody expected this; please report it with these lines")
        raise typer.Exit(Exit.FAILED) from bug
