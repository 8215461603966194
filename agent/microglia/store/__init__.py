"""[shell] What is remembered on disk: the journal, saved plans, phases, and the hourly buckets."""
