"""Which code made a result."""
