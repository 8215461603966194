"""PruningPolicy objects: their status remembers; a policy that only files know is mirrored for it."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from microglia.lifecycle.states import State
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, at
from microglia.model.ports import ConflictError, ObjectStore
from microglia.plan.condition import joined
from microglia.plan.status import STATUS_FORMAT, PolicyStatus, Remark
from microglia.policy.mirror import NOTE, mirror, mirrored
from microglia.policy.schema import PruningPolicy
from microglia.store.files import StoreError
from microglia.store.plan_objects import TRIES, told

POLICY_KIND = BY_NAME["PruningPolicy"]
_REMEDY = "delete its status, and the structure starts again with Exposing, without its shields"


class PolicyObjects:
    """The PruningPolicies of a cluster; ``given`` are those of files, by name. Raises StoreError."""

    def __init__(self, objects: ObjectStore, given: Mapping[str, PruningPolicy]) -> None:
        self._objects = objects
        self._given = given

    def status(self, name: str) -> PolicyStatus:
        """What is remembered; an empty status when there is no such object."""
        with told(_named(name)):
            return _read(name, self._objects.read(POLICY_KIND, "", name))

    def known(self, name: str) -> bool:
        """Whether there is such an object."""
        with told(_named(name)):
            return self._objects.read(POLICY_KIND, "", name) is not None

    def state(self, name: str, status: PolicyStatus) -> State | None:
        """The state in it."""
        try:
            return status.state(name)
        except ValueError as damage:
            raise StoreError(f"{_named(name)}: {damage}; {_REMEDY}") from None

    def change(self, name: str, change: Callable[[PolicyStatus], PolicyStatus]) -> None:
        """Replace the status by what ``change`` makes of it; a mirror that is behind its file is brought up first."""
        self._change(name, lambda status, _: change(status))

    def remark(self, name: str, remark: Remark) -> None:
        """Say what goes on; an empty sentence leaves what is there, and conditions of other types stay."""

        def said(status: PolicyStatus, generation: int | None) -> PolicyStatus:
            spoken = [one.model_copy(update={"observed_generation": generation}) for one in remark.conditions]
            words = {"saying": remark.saying, "reason": remark.reason} if remark.saying else {}
            lapped = {"lapped": remark.lapped} if remark.lapped else {}
            return status.model_copy(update={**words, **lapped, "conditions": joined(status.conditions, spoken)})

        self._change(name, said)

    def _change(self, name: str, change: Callable[[PolicyStatus, int | None], PolicyStatus]) -> None:
        for _ in range(TRIES):
            with told(_named(name), conflicts=True):
                try:
                    raw = self._current(name)
                    seen = int(at(raw, "metadata", "generation", default=0))
                    old = _read(name, raw)
                    new = change(old, seen or None)
                    if new != old:
                        body = new.model_copy(update={"observed_generation": seen})
                        self._objects.replace_status(POLICY_KIND, {**raw, "status": _dumped(body)})
                except ConflictError:
                    continue
                return
        raise StoreError(f"{_named(name)}: somebody else kept changing it while its status was to be written; look who "
                         "it is (metadata.managedFields), and try again")  # fmt: skip

    def _current(self, name: str) -> Raw:
        raw = self._objects.read(POLICY_KIND, "", name)
        given = self._given.get(name)
        if raw is None:
            if given is None:
                known = ", ".join(sorted(self._given)) or "none from files"
                raise StoreError(f"{_named(name)}: there is no such object, and no such policy in force ({known}); "
                                 "give its file with --policy")  # fmt: skip
            return self._objects.create(POLICY_KIND, mirror(given))
        fresh = mirror(given) if given is not None and mirrored(raw) else raw
        if at(fresh, "metadata", "annotations", NOTE) == at(raw, "metadata", "annotations", NOTE):
            return raw
        metadata = {**raw["metadata"], **fresh["metadata"]}
        return self._objects.replace(POLICY_KIND, {**raw, "metadata": metadata, "spec": fresh["spec"]})


def _read(name: str, raw: Raw | None) -> PolicyStatus:
    status = at(raw, "status", default={})
    found = status.get("format")
    if isinstance(found, int) and found > STATUS_FORMAT:
        raise StoreError(f"{_named(name)}: its status was written by a newer microglia (format {found}); this one "
                         f"reads up to {STATUS_FORMAT}: use that newer one")  # fmt: skip
    try:
        return PolicyStatus.model_validate(status)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(
            f"{_named(name)}: its status cannot be understood: {where}: {first['msg']}; {_REMEDY}"
        ) from None


def _named(name: str) -> str:
    return f"PruningPolicy {name}"


def _dumped(status: PolicyStatus) -> dict[str, Any]:
    # An API server holds null against a list of choices, even where null is allowed.
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
