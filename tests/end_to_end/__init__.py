"""Real Prosody, real clients, real faults."""
