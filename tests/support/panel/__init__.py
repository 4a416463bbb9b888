"""What the panel's tests share: a browser without pictures, a panel with its staff, sample data."""
