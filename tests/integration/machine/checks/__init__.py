"""Each check of the machine: red where the fault is, green where not, mended, and taken back."""
