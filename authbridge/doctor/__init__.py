"""Answers whether AuthBridge is well, on the machine and in its database; keeps that for the panel."""
