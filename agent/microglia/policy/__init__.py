"""What people allow: the schema of policies and protections, and the reading of their files."""
