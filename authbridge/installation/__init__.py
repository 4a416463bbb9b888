"""Answers how AuthBridge comes onto a Jitsi machine, from one release to the next, and off it again.

It never changes Jitsi's own files by itself: that is ``machine.mending``.  It runs on the machine's own
Python, before there is anything else: so it uses the standard library alone.
"""
