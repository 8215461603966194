"""A simulated, overprovisioned cluster: one description; manifests, metric series and in-memory ports as its faces."""
