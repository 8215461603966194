"""One short declarative file per source of metrics: what it exports, and the expressions that read it."""
