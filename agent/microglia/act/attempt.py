"""One write with its preconditions: read, compare, write, and say what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

from microglia.act.patience import LOST_REPLIES, REREADS, Patience
from microglia.model.ports import ConflictError, ForbiddenError, GoneError, UnreadableError
from microglia.plan.history import Step

BUSY = "it was changed by others at every one of {} attempts; nothing was written, plan again when it is quieter"


@dataclass(frozen=True, slots=True)
class Attempt:
    """``once`` reads, compares and writes, and returns the step when that settles it; ``look`` compares the world with
    before and after. ``once`` may raise every error of WritableCluster."""

    once: Callable[[], Step]
    look: Callable[[], Step]
    patience: Patience

    def carry_out(self) -> Step:
        """Never raises for what the world may do. A conflict reads again; a lost reply looks before it tries again."""
        conflicts, lost = 0, 0
        while True:
            try:
                return self.once()
            except ConflictError:
                conflicts += 1
                if conflicts > REREADS:
                    return Step(index=0, state="failed", message=BUSY.format(conflicts))
                self.patience.sleep(self.patience.pause)
            except GoneError as gone:
                return Step(index=0, state="surprise", message=f"it was deleted meanwhile ({gone})")
            except ForbiddenError as refused:
                return Step(index=0, state="failed", message=f"the API server refused it: {refused}")
            except UnreadableError as silence:
                lost += 1
                seen = self.look()
                if seen.state != "pending":
                    return seen
                if lost >= LOST_REPLIES:
                    return Step(index=0, state="failed", message=f"nothing was written: {silence}")
                self.patience.sleep(self.patience.pause * 2**lost)


def seen(look: Callable[[], Step]) -> Step:
    """``look``'s step, or *writing* when the world cannot be read: then nobody knows yet."""
    try:
        return look()
    except (UnreadableError, ForbiddenError) as blind:
        return Step(index=0, state="writing", message=f"nobody knows yet whether it was written: {blind}")
