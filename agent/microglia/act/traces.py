"""What our own writes leave on an object, so that a later change of the same plan does not take it for a stranger's."""

from dataclasses import dataclass, field

from microglia.model.objects import Raw, at
from microglia.plan.change import decision_digest


@dataclass(frozen=True, slots=True)
class Traces:
    """Digests that own writes lead to, each with the one that it began from."""

    _origin: dict[str, str] = field(default_factory=dict)

    def note(self, raw: Raw, replicas: int) -> None:
        """``raw`` was just given another count; the API server moves its generation by one with that."""
        metadata = {**raw["metadata"], "generation": at(raw, "metadata", "generation", default=0) + 1}
        written = {**raw, "metadata": metadata, "spec": {**raw["spec"], "replicas": replicas}}
        before = decision_digest(raw)
        self._origin[decision_digest(written)] = self._origin.get(before, before)

    def same(self, raw: Raw, digest: str) -> bool:
        """Whether nothing but own writes lies between the object that ``digest`` was taken of and ``raw``."""
        now = decision_digest(raw)
        return digest in (now, self._origin.get(now))
