"""Speaks the protocol of systemd's file-descriptor store: what a service hands to it outlives the service.

sd_listen_fds(3) and sd_pid_notify_with_fds(3), on our side; the workbench has the other one.
"""

import os
import socket
from collections.abc import MutableMapping

_FIRST = 3  # sd_listen_fds(3): where the descriptors begin that the supervisor passes


class DescriptorStore:
    """The supervisor's store, as the environment of this process tells of it."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._environ = environ

    def take(self, name: str) -> int | None:
        """Takes the stored descriptor of that name out of those that were passed; None if there is none.

        The others move together and stay as they are passed, for gunicorn takes each of them for a socket.
        """
        names = self._passed_names()
        taken = None
        for index, each in enumerate(names):
            if each == name and taken is None:
                taken = os.dup(_FIRST + index)  # not inheritable
        if taken is not None:
            self._keep([index for index, each in enumerate(names) if each != name], names)
        return taken

    def put(self, name: str, descriptor: int) -> None:
        """Stores a descriptor, where there is a supervisor.

        Raises:
            OSError: The supervisor does not listen.
        """
        self._notify(f"FDSTORE=1\nFDNAME={name}", descriptor)

    def remove(self, name: str) -> None:
        """Lets the supervisor, where there is one, forget what it stores under that name.

        Raises:
            OSError: The supervisor does not listen.
        """
        self._notify(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def _passed_names(self) -> list[str]:
        if self._environ.get("LISTEN_PID") != str(os.getpid()):
            return []
        count = int(self._environ.get("LISTEN_FDS", "0"))
        names = self._environ.get("LISTEN_FDNAMES", "").split(":")
        return (names + [""] * count)[:count]

    def _keep(self, kept: list[int], names: list[str]) -> None:
        for place, index in enumerate(kept):  # never onto one that is still to move: place <= index
            if place != index:
                os.dup2(_FIRST + index, _FIRST + place)
        for index in range(len(kept), len(names)):
            os.close(_FIRST + index)
        self._environ["LISTEN_FDS"] = str(len(kept))
        self._environ["LISTEN_FDNAMES"] = ":".join(names[index] for index in kept)

    def _notify(self, words: str, *descriptors: int) -> None:
        address = self._environ.get("NOTIFY_SOCKET", "")
        if not address:
            return
        if address.startswith("@"):  # in the abstract namespace of Linux
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.connect(address)
            socket.send_fds(connection, [words.encode()], descriptors)
