"""What the panel's process keeps in memory."""
