"""Holds the checks: a module a program of the machine, a function a finding."""
