"""The schools room without a database."""
