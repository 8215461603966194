"""Scores + protections + policy -> Selection: who keeps, who yields, who was spared, at what price."""

from microglia.compete.decide import select

__all__ = ["select"]
