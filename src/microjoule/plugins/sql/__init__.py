"""SQL over a trace, in DuckDB."""
