"""One record in one file."""

from pathlib import Path

from pydantic import ValidationError

from microglia.model.objects import at
from microglia.plan.document import FORMAT
from microglia.plan.history import RECORD_FORMAT, Record
from microglia.store.files import StoreError, seal, unseal, write

_REMEDY = "bring it back from a backup, or compare the cluster by hand with what it says and then move it away"


def write_record(path: Path, record: Record) -> None:
    """Replace the file durably. Raises StoreError."""
    write(path, seal("record", record.model_dump(mode="json", by_alias=True)))


def read_record(path: Path) -> Record:
    """What ``write_record`` of this or an older version wrote. Raises StoreError."""
    value = unseal(path, "record", RECORD_FORMAT)
    planned = at(value, "plan", "format")
    if isinstance(planned, int) and planned > FORMAT:
        raise StoreError(
            f"{path}: was written by a newer microglia (plan format {planned}); this one reads up to {FORMAT}: "
            "use that newer one"
        )
    try:
        record = Record.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path}: is no record: {where}: {first['msg']}; {_REMEDY}") from None
    if record.id != path.stem:
        raise StoreError(
            f"{path}: holds {record.id}, so it was renamed or its plan was changed; give it back its name, or {_REMEDY}"
        )
    return record
