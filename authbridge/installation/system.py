"""Changes a machine by its own programs: packages, users, services, and the command line of AuthBridge."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from authbridge.errors import AuthBridgeError
from authbridge.machine.files import Machine
from authbridge.machine.programs import ProgramError, exchange

USER = "authbridge"
TOKEN_GROUP = "authbridge-token"  # noqa: S105 - a group's name
_PATIENCE = 3_600.0  # seconds: apt and pip load some 100 MB, also through a slow line
_PATIENCE_WITH_OURS = 900.0  # seconds: a migration takes less, and its user could stop it for ever
_LAST_LINES = 15  # of what a program said before it failed
_LOOKS = 30
_PAUSE = 1.0  # seconds between two looks; Prosody opens all its ports within less


class ProgramFailedError(AuthBridgeError):
    """Raised when a program of the machine ends with a fault; the sentence has its last lines."""


class System:
    """The machine's programs."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def is_booted(self) -> bool:
        """Tells whether systemd runs here; in a chroot or a container it does not."""
        return self.machine.is_live and Path("/run/systemd/system").is_dir()

    def missing_packages(self, names: Sequence[str]) -> list[str]:
        """Returns which of these Debian packages are not installed."""
        answer = self.machine.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names)
        lines = answer.output.splitlines() if answer else []
        present = {line.split()[0] for line in lines if line.endswith(" installed")}
        return [name for name in names if name not in present]

    def install_packages(self, names: Sequence[str]) -> None:
        """Installs Debian packages, without questions."""
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        self._run("apt-get", "update", "-q", environ=quiet)
        self._run("apt-get", "install", "-q", "-y", "--no-install-recommends", *names, environ=quiet)

    def add_group(self, name: str) -> None:
        """Adds a system group."""
        self._run("groupadd", "--system", name)

    def add_user(self, name: str, *, home: str) -> None:
        """Adds a system user with that name's group, without a shell; does not make the home folder."""
        self._run(
            *("useradd", "--system", "--gid", name, "--home-dir", home, "--no-create-home"),
            *("--shell", "/usr/sbin/nologin", name),
        )

    def add_member(self, user: str, group: str) -> None:
        """Adds a user to a group."""
        self._run("gpasswd", "--add", user, group)

    def remove_member(self, user: str, group: str) -> None:
        """Takes a user out of a group."""
        self._run("gpasswd", "--delete", user, group)

    def remove_user(self, name: str) -> None:
        """Removes a user; their files stay."""
        self._run("userdel", name)

    def remove_group(self, name: str) -> None:
        """Removes a group."""
        self._run("groupdel", name)

    def has_user(self, name: str) -> bool:
        """Tells whether there is such a user."""
        return self._entry("/etc/passwd", name) is not None

    def has_group(self, name: str) -> bool:
        """Tells whether there is such a group."""
        return self._entry("/etc/group", name) is not None

    def is_member(self, user: str, group: str) -> bool:
        """Tells whether a user is in a group (besides their own)."""
        entry = self._entry("/etc/group", group)
        return entry is not None and user in entry[3].split(",")

    def ids(self, user: str, group: str) -> tuple[int, int]:
        """Returns the numbers of a user and of a group.

        Raises:
            ProgramFailedError: There is none of that name.
        """
        found = self._entry("/etc/passwd", user), self._entry("/etc/group", group)
        if found[0] is None or found[1] is None:
            raise ProgramFailedError(
                "There is no user %(user)s or no group %(group)s.", user=user, group=group
            )
        return int(found[0][2]), int(found[1][2])

    @property
    def may_give(self) -> bool:
        """Tells whether we can give files to others."""
        return os.geteuid() == 0

    def give(self, path: Path, user: int, group: int) -> None:
        """Gives a file or folder to a user and a group, if we can."""
        if self.may_give:
            os.chown(path, user, group)

    def build_venv(self, folder: Path, requirements: Path) -> None:
        """Installs the pinned Python packages into a new virtual environment of the system's Python."""
        self._run(sys.executable, "-m", "venv", "--clear", str(folder))
        python = str(folder / "bin/python")
        self._run(
            *(python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-input"),
            *("--disable-pip-version-check", "--require-hashes", "-r", str(requirements)),
        )

    def compile(self, program: Path) -> None:
        """Compiles the program's own files, so that nobody has to write into its folder later."""
        python = str(program / ".venv/bin/python")
        folders = [str(program / name) for name in ("authbridge", "admin", "wsgi.py")]
        self._run(python, "-m", "compileall", "-q", *folders)

    def authbridge(self, program: str, *arguments: str) -> str:
        """Runs the command line of that program folder, as its own user and with the settings.

        Returns:
            What it wrote.

        Raises:
            ProgramFailedError: It ended with a fault, or not within a quarter of an hour.
        """
        environ = {
            **self.settings(),
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "SUDO_USER": os.environ.get("SUDO_USER", "root"),
            "PYTHONPATH": program,
            "PYTHONSAFEPATH": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return self._run(
            *(*self.as_service(), f"{program}/.venv/bin/python", "-m", "authbridge", *arguments),
            environ=environ,
            patience=_PATIENCE_WITH_OURS,
        )

    def settings(self) -> dict[str, str]:
        """Returns the settings of the machine, by name."""
        lines = (self.machine.read("/etc/authbridge/authbridge.env") or "").splitlines()
        pairs = (line.partition("=") for line in lines if line.startswith("AUTHBRIDGE_") and "=" in line)
        return {name: value for name, _, value in pairs}

    def systemctl(self, *arguments: str) -> None:
        """Asks systemd for something, where it runs."""
        if self.is_booted:
            self._run("systemctl", *arguments)

    def is_active(self, unit: str) -> bool:
        """Tells whether systemd has started a unit, or does so now."""
        answer = self.machine.run("systemctl", "is-active", unit) if self.is_booted else None
        return answer is not None and answer.output.strip() in {"active", "activating", "reloading"}

    def started_at(self, unit: str) -> float:
        """Returns when systemd has started a service, in seconds since 1970; 0: it does not run."""
        command = (
            "systemctl",
            "show",
            "--timestamp=unix",
            "--property=ActiveEnterTimestamp",
            "--value",
            unit,
        )
        answer = self.machine.run(*command) if self.is_booted else None
        moment = answer.output.strip().removeprefix("@") if answer else ""
        return float(moment) if moment.isdecimal() else 0.0

    def main_process(self, unit: str) -> int:
        """Returns the number of a service's process; 0: it has none."""
        answer = self.machine.run("systemctl", "show", "--property=MainPID", "--value", unit)
        return int(answer.output.strip() or "0") if answer else 0

    def await_listening(self, unit: str) -> None:
        """Waits until a started service has opened its ports, at most half a minute.

        To systemd it has started as soon as it has a process, which may not have read its files yet.
        """
        process, former = f"pid={self.main_process(unit)},", None
        for _ in range(_LOOKS):
            answer = self.machine.run("ss", "-Hltnp")
            ports = (
                [line.split()[3] for line in answer.output.splitlines() if process in line] if answer else []
            )
            if ports and ports == former:
                return
            former = ports
            time.sleep(_PAUSE)

    def run_as_service(
        self,
        *command: str,
        environ: Mapping[str, str],
        read: BinaryIO | None = None,
        write: BinaryIO | None = None,
    ) -> str:
        """Runs a program as the service's user, in that environment alone; its input and output may be files.

        Returns:
            What it wrote, if not into a file.

        Raises:
            ProgramFailedError: It ended with a fault.
        """
        return self._run(*self.as_service(), *command, environ=environ, read=read, write=write)

    def as_service(self) -> tuple[str, ...]:
        """Returns what stands before a command that the service's user is to run."""
        return ("runuser", "-u", USER, "--")

    def _entry(self, file: str, name: str) -> list[str] | None:
        lines = (line.split(":") for line in (self.machine.read(file) or "").splitlines())
        return next((fields for fields in lines if fields[0] == name), None)

    def _run(
        self,
        *command: str,
        environ: Mapping[str, str] | None = None,
        patience: float = _PATIENCE,
        read: BinaryIO | None = None,
        write: BinaryIO | None = None,
    ) -> str:
        try:
            answer = exchange(
                command,
                read or b"",
                patience=patience,
                environ=environ,
                is_joined=write is None,
                into=write,
            ).decoded()
        except ProgramError as error:
            raise ProgramFailedError(error.sentence, **error.values) from error
        if answer.code != 0:
            last = "\n".join((answer.output or answer.errors).splitlines()[-_LAST_LINES:])
            raise ProgramFailedError(
                "%(command)s ended with exit code %(code)s.\n%(words)s",
                command=" ".join(command[:6]),
                code=answer.code,
                words=last,
            )
        return answer.output


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Sets which rights new files do not get."""
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)
