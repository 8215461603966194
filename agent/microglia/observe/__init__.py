"""The shell's eyes: Kubernetes objects and mesh metrics in, one frozen snapshot out."""
