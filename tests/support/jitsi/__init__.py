"""A Jitsi without media: its Prosody, a focus that behaves as jicofo does, and the participants' pages."""
