"""Logs organisers in through a real Prosody, and keeps guesses and forgeries out."""
