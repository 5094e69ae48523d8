"""The journal: inputs, facts and heads in Postgres, append-only (ARCHITECTURE §3)."""
