"""Whether the alert rules and the dashboard see what goes wrong in a service."""
