"""The staff room without a database."""
