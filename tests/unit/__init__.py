"""Pure code, table by table."""
