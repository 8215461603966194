"""The demo's story: week by week under microglia, then the naive pruner on the same world."""

from collections.abc import Sequence
from dataclasses import dataclass

from microglia.plan.change import CountChange, Saving, SidecarChange
from microglia.plan.document import Plan
from microglia.report.amounts import saving
from microglia.report.notes import LOCAL
from microglia.report.notes import spared_text as notes_text
from microglia.report.table import count, listed, paragraph


@dataclass(frozen=True, slots=True)
class Chapter:
    """One lap and the days after it.

    ``plan`` is None where nobody plans; ``lost`` of ``wanted`` requests were lost meanwhile; ``missing`` are sentences
    about what would not be there when it is needed; ``hurt`` the hosts whose calls were lost; ``failed`` the primary
    that failed meanwhile.
    """

    week: int
    plan: Plan | None
    refused: tuple[str, ...]
    replicas: int
    wanted: int
    lost: int
    missing: tuple[str, ...]
    hurt: tuple[str, ...]
    failed: str = ""


def introduction(world: str, workloads: int, fails: str) -> str:
    """What is about to be played; ``fails`` is the primary that will fail, empty for none."""
    accident = f" In week 6 {fails} fails for six hours." if fails else ""
    told = (
        f"{world}: {count(workloads, 'workload')}, overbuilt; nobody has said what may go. Two weeks are watched,"
        f" then there are two laps a week under the built-in policy.{accident}"
    )
    return f"{paragraph(told, indent=0)}\n\nThe first plan:\n"


def chapter_text(chapter: Chapter) -> str:
    """A few lines."""
    plan = chapter.plan
    if plan is None:
        return f"Week {chapter.week}: {count(chapter.replicas, 'pod')}"
    scales = [change for change in plan.changes if isinstance(change, CountChange)]
    routes = sum(len(change.cut) for change in plan.changes if isinstance(change, SidecarChange))
    where = f"{plan.phase}, round {plan.round}" if plan.round else plan.phase
    lines = [f"Week {chapter.week}  {where}: {count(chapter.replicas, 'pod')}"]
    if chapter.refused:
        lines.append(paragraph(f"refused: {'; '.join(chapter.refused)}", indent=4))
    elif plan.changes:
        verb = "pruned" if plan.purpose == "prune" else "gave back"
        names = [f"{change.workload} {change.before} -> {change.after}" for change in scales]
        what = [part for part in (listed(names, 4), count(routes, "route") if routes else "") if part]
        lines.append(paragraph(f"{verb} {'; '.join(what)}; saves {saving(plan.saving)}", indent=4))
    else:
        lines.append("    nothing to prune now")
    if chapter.failed:
        held = "" if chapter.lost else ", and no request was lost"
        lines.append(f"    {chapter.failed} failed for six hours{held}")
    if chapter.lost:
        lines.append(paragraph(_losses(chapter), indent=4))
    return "\n".join(lines)


def spared_text(plan: Plan) -> str:
    """What the last plan spared, and why; empty when nothing was."""
    return notes_text(plan.spared, everything=False)


def ending_text(name: str, chapters: Sequence[Chapter]) -> str:
    """What it saved, and what broke."""
    wanted, lost = sum(one.wanted for one in chapters), sum(one.lost for one in chapters)
    last = chapters[-1]
    lines = [f"{name}: {count(last.replicas, 'pod')} in the end; {lost:,} of {wanted:,} requests lost"]
    plans = [one.plan for one in chapters if one.plan is not None and not one.refused]
    if plans:
        lines.append(f"  saved in all: {saving(_together([plan.saving for plan in plans]), 'USD')}")
    hurt = sorted({host for one in chapters for host in one.hurt})
    if hurt:
        lines.append(paragraph(f"calls that were lost: {listed([host.replace(LOCAL, '') for host in hurt], 6)}"))
    lines += [paragraph(f"missing when it is needed: {one}") for one in last.missing]
    return "\n".join(lines if hurt or last.missing else [*lines, "  nothing that is rarely needed is missing"])


def _together(savings: Sequence[Saving]) -> Saving:
    return Saving(
        cpu=sum(one.cpu for one in savings),
        memory=sum(one.memory for one in savings),
        replicas=sum(one.replicas for one in savings),
        proxy_config=sum(one.proxy_config for one in savings),
        money=sum(one.money for one in savings),
    )


def _losses(chapter: Chapter) -> str:
    share = chapter.lost / chapter.wanted if chapter.wanted else 0.0
    hosts = listed([host.replace(LOCAL, "") for host in chapter.hurt], 4)
    return f"{chapter.lost:,} of {chapter.wanted:,} requests lost ({share:.4%}): {hosts}"
