"""Clean Debian machines, thrown away afterwards: real systemd, real packages, a network of their own."""
