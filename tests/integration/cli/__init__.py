"""The command line's dealings with the system that runs it."""
