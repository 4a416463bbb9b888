"""The panel through Flask's own client, with the token against forged forms on."""
