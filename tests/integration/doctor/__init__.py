"""What the doctor finds in the database, and what it keeps for the panel."""
