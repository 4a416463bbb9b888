"""AuthBridge comes onto a Jitsi machine, from one release to the next, and off it again."""
