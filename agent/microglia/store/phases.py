"""One structure's memory in one file: its state, and when a person last reopened it."""

from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from microglia.lifecycle.states import State
from microglia.store.files import StoreError, seal, unseal, write

FORMAT = 1
_STATE = TypeAdapter(State)


def read_phase(path: Path) -> tuple[State | None, datetime | None]:
    """State and reopening, each None when there is none. Raises StoreError when the file cannot be understood."""
    if not path.exists():
        return None, None
    value = unseal(path, "state", FORMAT)
    try:
        state = None if value["memory"] is None else _STATE.validate_python(value["memory"])
        reopened = None if value["reopened"] is None else datetime.fromisoformat(value["reopened"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{path}: is no state file ({error}); bring it back from a backup, or move it away: the structure then "
            "starts again with Exposing, without its shields"
        ) from None
    return state, reopened


def write_phase(path: Path, state: State | None, reopened: datetime | None) -> None:
    """Replace the file durably. Raises StoreError."""
    value = {
        "format": FORMAT,
        "memory": None if state is None else _STATE.dump_python(state, mode="json"),
        "reopened": None if reopened is None else reopened.isoformat(),
    }
    write(path, seal("state", value))
