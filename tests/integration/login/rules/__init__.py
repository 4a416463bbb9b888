"""The login policy over real databases: who waits, for how long, and whom it lets pass."""
