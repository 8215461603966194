"""Snapshot -> Topology: objects and traffic joined into one graph that answers questions. networkx stays in here."""
