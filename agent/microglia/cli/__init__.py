"""The command line: one file per group of commands; no decisions are made here."""
