"""A root that boots its own systemd in namespaces of its own; ends with us, and leaves nothing behind.

What the machine writes lies in a layer over the root, which therefore stays as it was.  Its way to the
package servers is slirp4netns; neither side reaches the other's loopback.
"""

import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.processes import PATIENCE, Process, StartError, children_of

_ENVIRONMENT = (
    "HOME=/root",
    "USER=root",
    "LOGNAME=root",
    "TERM=dumb",
    "LANG=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)
_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL")

# $1 the root, $2 the layer's folder, $3 the cgroup.  pivot_root and not chroot: units with PrivateUsers= do
# not start in a chroot.  /sys is for reading, or else udev would handle this machine's own devices.  Mounts
# are shared as on every machine: without that, units get no credentials, and systemd says nothing of it.
_BOOT = """
echo $$ > "$3/cgroup.procs"
exec unshare --cgroup --mount --pid --fork --kill-child=KILL --uts --ipc --net -- bash -euc '
    mount --make-rprivate /
    mount -t tmpfs tmpfs /mnt
    if [ -n "$2" ]; then
        mkdir /mnt/root
        mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" /mnt/root
    else
        mkdir /mnt/root
        mount --bind "$1" /mnt/root
    fi
    cd /mnt/root
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755,nosuid dev dev
    for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
    mount -t tmpfs shm dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
    mount -t tmpfs -o mode=755,nosuid,nodev run run
    mount -t tmpfs -o mode=1777 tmp tmp
    hostname "$(cat etc/hostname)"
    ip link set lo up
    pivot_root . mnt
    umount --lazy /mnt
    mount --make-rshared /
    exec env -i container=clean-machine /lib/systemd/systemd --show-status=no
' boot "$1" "$2"
"""


class CommandError(Exception):
    """Raised when a command on the machine fails; the text has its output."""


@dataclass
class Machine:
    """One machine on the root ``lower``; ``folder`` holds its layer and its logs.

    Without ``is_layered`` what it writes stays in ``lower``.
    """

    lower: Path
    folder: Path
    is_layered: bool = True

    def __post_init__(self) -> None:
        self._cgroup = _cgroup_mount() / f"clean-machine-{secrets.token_hex(4)}"
        layer = str(self.folder) if self.is_layered else ""
        self._unshare = Process(
            [*_ENDS_WITH_US, "bash", "-euc", _BOOT, "boot", str(self.lower), layer, str(self._cgroup)],
            log=self.folder / "boot.log",
        )
        self._network: Process | None = None
        self._init = 0

    @property
    def root(self) -> Path:
        """Returns the root as seen from here; absolute links in it lead astray."""
        return Path(f"/proc/{self._init}/root")

    def boot(self) -> None:
        """Boots it and returns when its units are up; raises :class:`StartError`."""
        for name in ("upper", "work"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._cgroup.mkdir(exist_ok=True)
        self._unshare.start()
        self._unshare.await_ready(self._has_init)
        self._network = Process(
            [
                *_ENDS_WITH_US,
                "slirp4netns",
                "--configure",
                "--disable-host-loopback",
                str(self._init),
                "tap0",
            ],
            log=self.folder / "network.log",
        )
        self._network.start()
        deadline = time.monotonic() + PATIENCE
        while self.run("systemctl", "is-system-running", check=False).strip() not in ("running", "degraded"):
            if time.monotonic() > deadline:
                self.stop()
                message = f"The machine does not come up:\n{self._unshare.log_tail()}"
                raise StartError(message)
            time.sleep(0.1)

    def _has_init(self) -> bool:
        """Looks for systemd: the child of unshare that has pivoted into the root."""
        children = children_of(self._unshare.pid)
        if not children or Path(f"/proc/{children[0]}/comm").read_text().strip() != "systemd":
            return False
        self._init = children[0]
        return True

    def command(self, *arguments: str) -> list[str]:
        """Returns the command line that runs that command on the machine, as root."""
        target = ["nsenter", "--target", str(self._init), *_NAMESPACES, "--root", "--wd"]
        return [*target, "--", "env", "-i", *_ENVIRONMENT, *arguments]

    def beside(self, *arguments: str) -> list[str]:
        """Returns the command line that runs a command of ours in the machine's network."""
        return ["nsenter", "--target", str(self._init), "--net", "--", *arguments]

    def run(self, *arguments: str, check: bool = True, stdin: str = "", timeout: float = 600) -> str:
        """Runs a command on the machine and returns what it wrote, errors too.

        Raises:
            CommandError: It failed, and ``check`` is set.
        """
        done = subprocess.run(  # noqa: S603 - our own command line
            self.command(*arguments),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
        )
        if check and done.returncode:
            message = f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-6000:]}"
            raise CommandError(message)
        return done.stdout

    def stop(self) -> None:
        """Ends it and all its processes at once."""
        if self._network is not None:
            self._network.kill()
        self._unshare.kill()
        groups = sorted(self._cgroup.rglob("*/"), key=lambda path: len(path.parts), reverse=True)
        for group in [*groups, self._cgroup]:
            if group.is_dir():
                _remove_group(group)


@contextmanager
def booted(lower: Path, folder: Path, *, is_layered: bool = True) -> Iterator[Machine]:
    """Boots a machine, and ends it at the end of the block."""
    machine = Machine(lower, folder, is_layered)
    machine.boot()
    try:
        yield machine
    finally:
        machine.stop()


def _remove_group(group: Path) -> None:
    """Removes an empty control group; its last process may still be ending."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _cgroup_mount() -> Path:
    """Returns where this machine has mounted the second version of control groups."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return next(Path(mount[1]) for mount in mounts if mount[2] == "cgroup2")
