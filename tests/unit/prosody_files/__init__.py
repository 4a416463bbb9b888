"""How the account files of a Prosody are read."""
