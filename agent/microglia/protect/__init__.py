"""Why not this one: one small pure function per rule, in one tuple; decided without looking at use."""

from microglia.protect.protecting import protect

__all__ = ["protect"]
