"""The lap, repeated in the cluster: who leads, when, how it is told, and what a stop leaves behind."""
