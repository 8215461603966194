"""Topology -> Scores: what each element is worth and what it costs, by named rules that a person can recompute."""

from microglia.score.rules import score

__all__ = ["score"]
