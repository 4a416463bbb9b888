"""Several services and several Prosodys over one PostgreSQL, and what happens when one of them fails."""
