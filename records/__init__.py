"""The tables: one frozen definition each, ids, reason codes, and deterministic Parquet files."""
