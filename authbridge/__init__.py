"""AuthBridge decides who may open a meeting on a Jitsi server; it never carries the meeting itself."""

__version__ = "0.1.0"
