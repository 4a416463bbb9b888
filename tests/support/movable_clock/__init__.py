"""Read by Python at the start of a process whose PYTHONPATH has this folder."""
