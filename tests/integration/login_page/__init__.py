"""The login page and the service that it asks."""
