"""The history of the tables; one file a step, each with its way back."""

NEWEST = "0006"  # revision; a test holds it to the files, so that nobody needs Alembic to know it
