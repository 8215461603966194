"""Routes that lost: which hosts may be hidden now, what must be shown again, and what holds a client's Sidecar."""

from microglia.model.ids import RouteId, WorkloadId
from microglia.model.objects import Raw, name_of, namespace_of, ref_of
from microglia.plan.allowlist import drawn, due, lately_shown, leavable, unread
from microglia.plan.candidate import Candidate, Run
from microglia.plan.change import Saving, SidecarChange, Why, decision_digest
from microglia.plan.desk import Desk
from microglia.plan.document import Note
from microglia.plan.eligible import exact_labels, foreign_sidecars, too_old
from microglia.plan.sidecar import allowed, body, edited, hidden, plain, sidecar_name, whole
from microglia.score.routes import rate_bound
from microglia.score.scores import RouteScore
from microglia.topology.claims.delivery import delivered_by
from microglia.topology.nodes import Workload


def hiding(table: Desk) -> tuple[list[Candidate], list[Note]]:
    """Clients with hosts that may be hidden now, and notes on whatever holds a client's routes."""
    candidates: list[Candidate] = []
    held: list[Note] = []
    lost = table.lost
    shielded = {element.partition(" -> ")[0] for element in table.shielded}
    for client, rows in lost.rows.items():
        losers = [(row, lost.copies[row]) for row in rows]
        led = not table.leads.rows.isdisjoint(rows)
        if client in table.mine or str(client) in shielded or led:
            losers = [(row, len(hosts)) for row, score in lost.of(client) if (hosts := fresh(table, score))]
        held += _brought_back(table, client) if led else ()
        if not losers:
            continue
        reasons = _blocked(table, client)
        if not reasons and listing(table):
            candidates += _listed(table, client)
            continue
        count = sum(count for _, count in losers)
        held += [Note(subject=f"{client} -> {count} hosts", what="would be hidden", why=why) for why in reasons]
        if not reasons:
            density, runs = lost.density[losers[0][0]], lost.runs(losers)
            candidates.append(Candidate(f"routes:{client}", str(client), client.namespace, density, runs))
    return candidates, held


def listing(table: Desk) -> bool:
    """Whether hosts are hidden by allow-lists: where the policy says so, and in proposals for an older istiod."""
    old = table.way == "git" and bool(too_old(table.grounds.topology.snapshot.source.istiod))
    return old or table.spec.routes.form == "allowList"


def _listed(table: Desk, client: WorkloadId) -> list[Candidate]:
    """The client with a piece for each namespace that an allow-list may leave out."""
    row, runs = table.lost.rows[client][0], []
    for _, hosts in _leavable(table, client):
        runs.append(Run(1, {"proxyConfig": sum(score.cost for score in hosts.values())}))
    if not runs:
        return []
    return [Candidate(f"routes:{client}", str(client), client.namespace, table.lost.density[row], tuple(runs))]


def _leavable(table: Desk, client: WorkloadId) -> list[tuple[str, dict[str, RouteScore]]]:
    lost = {host: score for _, score in table.lost.of(client) for host in fresh(table, score)}
    found = leavable(table.grounds.topology, client, lost)
    return [(namespace, {host: lost[host] for host in hosts}) for namespace, hosts in found]


def fresh(table: Desk, score: RouteScore) -> tuple[str, ...]:
    """The hosts of a loser that are still visible, not shielded, and gone when they are hidden."""
    if score.client not in table.mine and not table.shielded and not table.leads.to:
        return score.hosts
    already = set(hidden(table.mine.get(score.client)))
    losing = _losing(table, score.client) if not table.leads.to.keys().isdisjoint(score.hosts) else already
    return tuple(
        host
        for host in score.hosts
        if host not in already
        and str(RouteId(score.client, host)) not in table.shielded
        and not table.leads.back(host, losing)
    )


def _losing(table: Desk, client: WorkloadId) -> set[str]:
    """Every host that is hidden from ``client``, or lost."""
    rows = table.lost.of(client) if client in table.lost.rows else ()
    return {*hidden(table.mine.get(client)), *(host for _, score in rows for host in score.hosts)}


def _brought_back(table: Desk, client: WorkloadId) -> list[Note]:
    losing, already = _losing(table, client), set(hidden(table.mine.get(client)))
    found = {host: table.leads.back(host, losing) for host in sorted(losing - already)}
    return [Note(subject=f"{client} -> {host}", what="would be hidden", why=why) for host, why in found.items() if why]


def hide(table: Desk, client: WorkloadId, count: int) -> SidecarChange:
    """Hide the next ``count`` hosts (in an allow-list, namespaces) from ``client``, and show again what no longer needs
    hiding."""
    chosen: list[tuple[int, RouteScore, str]] = []
    for row, score in table.lost.of(client):
        chosen += [(row, score, host) for host in fresh(table, score)]
    left_out = ""
    if listing(table):
        going = dict(_leavable(table, client)[:count])
        chosen = [one for one in chosen if any(one[2] in hosts for hosts in going.values())]
        left_out = f"; an allow-list leaves out {', '.join(going)}"
    else:
        chosen = chosen[:count]
    row, first, _ = chosen[0]
    return _redraw(
        table,
        table.grounds.topology.workloads[client],
        cut=tuple(sorted(host for _, _, host in chosen)),
        saving=Saving(proxy_config=sum(score.cost for _, score, _ in chosen)),
        why=Why(
            sentence=_sentence(first, len(chosen)) + left_out,
            at_risk=sum(_at_risk(table, score) for _, score, _ in chosen),
            lost_to=table.lost.winner(row),
        ),
    )


def _at_risk(table: Desk, score: RouteScore) -> float:
    """Requests per hour, whatever the unit in which routes compete."""
    return rate_bound(score.requests, score.hours) if table.spec.retention.rule == "presence" else score.value


def upkeep(table: Desk) -> tuple[list[SidecarChange], list[Note]]:
    """Sidecars of ours that must give hosts back now, whatever the pace: each with its reason; and notes on those that
    cannot be drawn."""
    changes, held = [], []
    for client, raw in sorted(table.mine.items()):
        workload = table.grounds.topology.workloads.get(client)
        subject = f"Sidecar {namespace_of(raw)}/{name_of(raw)}"
        if workload is None:
            why = f"its workload {client} is gone, so it selects nothing; delete it when you like"
            held.append(Note(subject=subject, what="left over", why=why))
        elif edited(raw):
            why = "somebody edited it, so microglia leaves it alone; delete it, or restore the plan that made it"
            held.append(Note(subject=subject, what="not ours any more", why=why))
        elif (deliverer := _deliverer(table, raw)) and _stale(table, client, raw):
            held.append(Note(subject=subject, what="hosts to show again", why=deliverer))
        elif reasons := _stale(table, client, raw):
            sentence = "; ".join(sorted(set(reasons.values())))
            changes.append(_redraw(table, workload, (), Saving(), Why(sentence=sentence, at_risk=0.0)))
    return changes, held


def _redraw(table: Desk, workload: Workload, cut: tuple[str, ...], saving: Saving, why: Why) -> SidecarChange:
    raw = table.mine.get(workload.id)
    shown = tuple(sorted(whole(raw, _stale(table, workload.id, raw)))) if raw else ()
    hosts = {*hidden(raw), *cut} - set(shown)
    listed = allowed(raw) is not None if raw else listing(table)
    allow = drawn(table.grounds.topology, workload, raw, cut, shown) if listed else None
    return SidecarChange(
        workload=str(workload.id),
        uid=workload.uid,
        digest=decision_digest(workload.raw),
        namespace=workload.id.namespace,
        name=sidecar_name(workload.id),
        before=plain(raw) if raw else None,
        after=body(workload.id, exact_labels(workload, table.labels) or {}, hosts, allow),
        cut=cut,
        shown=shown,
        saving=saving,
        why=why,
    )


def _stale(table: Desk, client: WorkloadId, raw: Raw) -> dict[str, str]:
    """Hidden hosts that must be visible again, each with why."""
    grounds, found = table.grounds, dict[str, str]()
    foreign = foreign_sidecars(grounds.topology, client, table.mine)
    used = table.used.get(client, frozenset())
    losing = _losing(table, client) if table.leads.to else set()
    found |= due(grounds.topology, grounds.topology.workloads[client], raw)
    for host in hidden(raw):
        pins = [one for one in grounds.protections.of_route(client, host) if not one.blind]
        if foreign:
            found[host] = f"{foreign} applies to its pods now, and microglia never shadows it"
        elif exact_labels(grounds.topology.workloads[client], table.labels) is None:
            found[host] = "no labels are its pods' alone any more"
        elif host not in grounds.topology.services and not grounds.topology.objects.blind("Service"):
            found[host] = f"{host} no longer exists"
        elif host in used:
            found[host] = f"{host} was used"
        elif back := table.leads.back(host, losing):
            found[host] = f"{host}: {back}"
        elif pins:
            found[host] = f"{host} is protected: {pins[0].reason}"
    return found


def _blocked(table: Desk, client: WorkloadId) -> list[str]:
    topology = table.grounds.topology
    workload = topology.workloads.get(client)
    if workload is None:
        return ["the workload is gone"]
    found = _formless(table, client)
    if "Sidecar" not in table.spec.actuation.routes:
        found.append("spec.actuation.routes does not name Sidecar")
    if topology.objects.blind("Sidecar"):
        found.append("Sidecars cannot be listed, so nobody knows who else has a say; microglia doctor --rbac grants it")
    if workload.in_flight:
        found.append(f"in the middle of a change: {workload.in_flight}")
    if f"routes:{client}" in table.watched:
        found.append("its last cut is under watch; microglia status says what it waits for")
    if foreign := foreign_sidecars(topology, client, table.mine):
        found.append(f"{foreign} applies to its pods; shadowing it would be editing it: hide the hosts there")
    if exact_labels(workload, table.labels) is None:
        found.append("a Sidecar selects by label, and no labels are its pods' alone; give them one of their own")
    found += _taken(table, client)
    return found


def _formless(table: Desk, client: WorkloadId) -> list[str]:
    """Why hosts cannot be hidden from ``client`` in the form that is asked for."""
    topology, mine = table.grounds.topology, table.mine.get(client)
    if not listing(table):
        old = too_old(topology.snapshot.source.istiod)
        offer = "microglia propose offers an allow-list of namespaces; spec.routes.form: allowList lets it be written"
        found = [f"{old}; {offer}"] if old else []
    else:
        kind = unread(topology)
        found = [f"{kind}s cannot be read whole, so an allow-list might hide what nobody saw"] if kind else []
        since = topology.snapshot.window.start
        if shown := lately_shown(table.grounds.history, client, since):
            found.append(
                f"hosts were shown to it again on {shown:%d %b %H:%M} UTC; waits for a whole window after that"
            )
    if mine is not None and hidden(mine) and (allowed(mine) is not None) != listing(table):
        found.append("its Sidecar has the other form (spec.routes.form); microglia restore takes it away first")
    return found


def _taken(table: Desk, client: WorkloadId) -> list[str]:
    """Who else has a hand on the Sidecar that would be written."""
    mine, name = table.mine.get(client), sidecar_name(client)
    if mine is None:
        taken = (client.namespace, name) in table.names
        return [f"a Sidecar named {name} exists and is not microglia's; rename it"] if taken else []
    found = [deliverer] if (deliverer := _deliverer(table, mine)) else []
    if edited(mine):
        found.append(f"somebody edited Sidecar {name}; delete it, or restore the plan that made it")
    return found


def _deliverer(table: Desk, raw: Raw) -> str:
    """Who would put a Sidecar of ours back, when the plan is for the cluster."""
    found = delivered_by(ref_of("Sidecar", raw), raw) if table.way == "cluster" else None
    return f"{found.name} delivers its Sidecar ({found.evidence}): {found.remedy}" if found else ""


def _sentence(score: RouteScore, count: int) -> str:
    if score.requests > 0:
        return f"called {score.requests:,.4g} times in {score.hours:,.0f} h of its own activity"
    each = f", {score.value:.3g}/h each" if count > 1 else ""
    return f"not called in {score.hours:,.0f} h of its own activity{each}"
