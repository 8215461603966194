"""``Protection``: what the owners of a namespace write to keep what they know to be load-bearing."""

from typing import Literal, Self

from pydantic import Field, model_validator

from microglia.policy.fields import Day, Strict, Text, Whole, cel
from microglia.policy.naming import KindName, Place


class Target(Strict):
    """What a protection names; a Service stands for every workload behind it."""

    kind: KindName
    name: Text


class BackupFor(Strict):
    """The primary whose peak the protected workload must be able to carry."""

    namespace: Text
    name: Text


class ProtectionSpec(Strict):
    """``never`` pins, ``floor`` holds ``minReplicas``."""

    model_config = cel(
        "!has(self.level) || self.level != 'floor' || has(self.minReplicas) || has(self.backupFor)",
        "level floor says nothing without a number; write minReplicas (or backupFor)",
    )
    targets: tuple[Target, ...] = Field(min_length=1)
    level: Literal["never", "floor"] = "never"
    min_replicas: Whole | None = Field(default=None, ge=1)
    backup_for: BackupFor | None = None
    reason: Text
    until: Day | None = None

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.level == "floor" and self.min_replicas is None and self.backup_for is None:
            raise ValueError("level floor says nothing without a number; write minReplicas (or backupFor)")
        return self


class ProtectionObject(Strict):
    """One ``Protection`` document."""

    api_version: Literal["microglia.dev/v1alpha1"] = "microglia.dev/v1alpha1"
    kind: Literal["Protection"] = "Protection"
    metadata: Place
    spec: ProtectionSpec
