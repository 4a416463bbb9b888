"""What users care about, as sentences that a machine can check."""
