"""What Jitsi's own page says about a login."""
