"""Ends running meetings of a whole Jitsi, and leaves all others alone."""
