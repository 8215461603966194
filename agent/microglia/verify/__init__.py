"""Plan + fresh Topology -> Cleared | Refused. All gates always run."""
