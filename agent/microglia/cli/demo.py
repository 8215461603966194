"""``microglia demo``: eight weeks of a simulated shop, through the very same lap; no cluster is needed."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microglia.cli.errors import Exit, MistakeError

if TYPE_CHECKING:
    from datetime import datetime

    from microglia.cycle import Lap
    from microglia.report.demo import Chapter
    from microglia.world.memory import MemoryCluster
    from microglia.world.play import Drill, Turn
    from microglia.world.schema import World
    from microglia.world.traffic import MemoryTraffic

EVERY = timedelta(hours=84)
PRIMARY = "payments/ledger"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    world: Annotated[str, typer.Option(help="A shipped world or a world file.")] = "shop",
    weeks: Annotated[int, typer.Option(min=1, max=26, help="How many weeks to play.")] = 8,
    fails: Annotated[
        str | None, typer.Option(help=f"What fails in week 6, namespace/name; {PRIMARY} where there is one.")
    ] = None,
) -> None:
    """Play eight weeks of an overbuilt shop, beside a naive pruner on the same world; needs no cluster."""
    from difflib import get_close_matches

    from microglia.report.demo import ending_text, introduction
    from microglia.world.load import load
    from microglia.world.play import Drill

    try:
        described = load(world)
        target = fails or (PRIMARY if PRIMARY in described.workloads else "")
        if fails and fails not in described.workloads:
            near = get_close_matches(fails, described.workloads, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise MistakeError(f"--fails {fails}: the world {described.name} has no such workload{hint}", Exit.USAGE)
        drill = Drill(target) if target else None
        shown = target if drill and weeks >= drill.week else ""
        typer.echo(introduction(described.name, len(described.workloads), shown))
        chapters, takes = _careful(described, weeks, drill)
        typer.echo(ending_text("microglia", chapters))
        typer.echo("\nThe same world under a naive pruner: as many replicas, least used first, nothing protected.")
        typer.echo(ending_text("naive pruner", _naive(described, takes, drill)))
    except ValueError as error:
        raise MistakeError(str(error), Exit.USAGE) from None


def _careful(world: "World", weeks: int, drill: "Drill | None") -> "tuple[list[Chapter], list[int]]":
    from tempfile import TemporaryDirectory

    from microglia.plan.change import CountChange
    from microglia.report.demo import chapter_text, spared_text
    from microglia.report.plans import View, plan_text
    from microglia.world.play import play

    chapters: list[Chapter] = []
    takes: list[int] = []
    with TemporaryDirectory() as folder:
        for turn in play(world, _lap(Path(folder)), weeks=weeks, every=EVERY, drill=drill):
            plan = turn.result.rehearsal.plan
            if not chapters:
                currency = turn.result.rehearsal.policy.spec.prices.currency
                view = View(everything=False, source="demo", currency=currency, policy="default (built in)")
                typer.echo(plan_text(turn.result.rehearsal.checked, view) + "\n")
            # The drill is two days into its week, so the week's first lap meets it.
            meets = drill is not None and turn.week == drill.week and all(one.week < turn.week for one in chapters)
            chapters.append(_chapter(turn, drill.target if drill is not None and meets else ""))
            takes.append(sum(one.before - one.after for one in plan.changes if isinstance(one, CountChange)))
            typer.echo(chapter_text(chapters[-1]))
    typer.echo(f"\n{spared_text(plan)}\n")
    return chapters, takes


def _lap(folder: Path) -> "Callable[[MemoryCluster, MemoryTraffic, datetime], Lap]":
    from microglia.act.apply import Conduct
    from microglia.act.patience import Patience
    from microglia.act.write import ClusterWriter
    from microglia.cycle import Case, World, lap
    from microglia.policy.schema import PruningPolicy
    from microglia.store.folder import Folder
    from microglia.store.journal import FileJournal

    journal, policy = FileJournal(Folder(folder).cluster("demo", "demo")), PruningPolicy()

    def one(cluster: "MemoryCluster", traffic: "MemoryTraffic", now: "datetime") -> "Lap":
        def pause(seconds: float) -> None:
            cluster.advance(cluster.now + timedelta(seconds=seconds))

        def ticks() -> float:
            return cluster.now.timestamp()

        patience = Patience(sleep=pause, ticks=ticks)
        seen = World(cluster, traffic, ClusterWriter(cluster, patience), journal)
        conduct = Conduct(clock=lambda: cluster.now, stop=lambda: None, say=lambda _: None)
        return lap(seen, (policy,), Case(policy, now), conduct)

    return one


def _naive(world: "World", takes: "Sequence[int]", drill: "Drill | None") -> "list[Chapter]":
    from microglia.report.demo import Chapter
    from microglia.world.play import naive_play

    return [
        Chapter(
            turn.week, None, (), turn.replicas, turn.loss.requests, turn.loss.lost, turn.broken, tuple(turn.loss.hosts)
        )
        for turn in naive_play(world, takes, every=EVERY, drill=drill)
    ]


def _chapter(turn: "Turn[Lap]", failed: str) -> "Chapter":
    from microglia.report.demo import Chapter
    from microglia.verify.clear import Refused

    checked = turn.result.rehearsal.checked
    refused = tuple(one.message for one in checked.refusals) if isinstance(checked, Refused) else ()
    loss = turn.loss
    hurt = tuple(loss.hosts)
    return Chapter(turn.week, checked.plan, refused, turn.replicas, loss.requests, loss.lost, turn.broken, hurt, failed)
