"""What our own writes leave on an object, so that a later change of the same plan does not take it for a stranger's."""

from dataclasses import dataclass, field

from microglia.model.objects import Raw, at
from microglia.model.ports import ConflictError
from microglia.plan.change import decision_digest, observed


@dataclass(frozen=True, slots=True)
class Traces:
    """Digests that own writes lead to, each with all that they began from, one write after the other."""

    _before: dict[str, set[str]] = field(default_factory=dict)

    def note(self, raw: Raw, replicas: int) -> None:
        """``raw`` is about to be given another count; the API server moves its generation by one with that."""
        metadata = {**raw["metadata"], "generation": at(raw, "metadata", "generation", default=0) + 1}
        written = {**raw, "metadata": metadata, "spec": {**raw["spec"], "replicas": replicas}}
        before = decision_digest(raw)
        self._before.setdefault(decision_digest(written), set()).update({before}, self._before.get(before, ()))

    def same(self, raw: Raw, digest: str) -> bool:
        """Whether nothing but own writes lies between the object that ``digest`` was taken of and ``raw``.

        Raises ConflictError while its controller has not seen its last change: nobody knows yet what that was about.
        """
        if not observed(raw):
            raise ConflictError("its controller has not acted on its last change yet")
        now = decision_digest(raw)
        return digest == now or digest in self._before.get(now, ())
