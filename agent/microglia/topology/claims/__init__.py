"""Who claims a replica count, or brings an object into the cluster: one file per sort of claim."""
