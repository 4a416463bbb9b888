"""The rules of the meeting, kept by a real Prosody: each alone, and all together."""
