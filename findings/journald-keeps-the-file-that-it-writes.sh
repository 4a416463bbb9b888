#!/usr/bin/env bash
# journald with MaxRetentionSec alone keeps lines for up to a month longer: the journal file that it writes to is never deleted.
#
# Seen with systemd 252.39 (Debian 12).  MaxRetentionSec deletes archived files, as wholes, when their *first* entry is older.  A
# file is archived when it is full, or with the first entry after MaxFileSec, whose default is one month.  `journalctl
# --vacuum-time=7d` leaves the present file alone just so.  Both together give a bound: the oldest line is as old as the longer
# of the two.  So seven days need MaxRetentionSec=7day and MaxFileSec=1day.
#
# Seconds stand for days below.  Needs root, for a mount namespace of its own.
#
# Output seen: "oldest line after 20 s: 18 s and more with MaxRetentionSec=6s alone, and after --vacuum-time=6s; 7 s at most with MaxFileSec=1s"
set -euo pipefail

if [ "${1:-}" != inside ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  for package in systemd=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2; do apt-get download -qq "$package"; done
  for file in ./*.deb; do dpkg -x "$file" tree; done
  alone=$(unshare --mount --propagation private bash "$OLDPWD/$0" inside "$folder" "MaxRetentionSec=6s")
  both=$(unshare --mount --propagation private bash "$OLDPWD/$0" inside "$folder" "MaxRetentionSec=6s\nMaxFileSec=1s")
  read -r at_end vacuumed _ <<<"$alone"
  read -r _ _ most <<<"$both"
  alone_kept=$([ "$at_end" -ge 18 ] && echo "18 s and more" || echo "$at_end s")
  vacuum_kept=$([ "$vacuumed" -ge 18 ] && echo "and" || echo "but $vacuumed s")
  both_kept=$([ "$most" -le 7 ] && echo "7 s at most" || echo "$most s")
  said="$alone_kept with MaxRetentionSec=6s alone, $vacuum_kept after --vacuum-time=6s; $both_kept with MaxFileSec=1s"
  echo "oldest line after 20 s: $said"
  if [ "$said" != "18 s and more with MaxRetentionSec=6s alone, and after --vacuum-time=6s; 7 s at most with MaxFileSec=1s" ]; then
    echo "journald deletes at other times now." >&2
    exit 1
  fi
  exit 0
fi

folder=$2
library=$(dirname "$(find "$folder/tree" -name 'libsystemd-shared-*.so' | head -n 1)")
export LD_LIBRARY_PATH=$library
journalctl() { "$folder/tree/bin/journalctl" --quiet --directory=/var/log/journal "$@"; }
mount -t tmpfs none /run
mount -t tmpfs none /var/log
mkdir -p /run/systemd/journald.conf.d /run/log /var/log/journal
printf "[Journal]\nStorage=persistent\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\nSyncIntervalSec=1s\n$3\n" >/run/systemd/journald.conf.d/90.conf
if [ ! -s /etc/machine-id ]; then
  echo 0123456789abcdef0123456789abcdef >/run/machine-id
  touch /etc/machine-id
  mount --bind /run/machine-id /etc/machine-id
fi
"$folder/tree/lib/systemd/systemd-journald" >/run/said 2>&1 &
pid=$!
trap 'kill $pid' EXIT
for _ in $(seq 50); do [ -S /run/systemd/journal/dev-log ] && break || sleep 0.1; done
touch /run/systemd/journal/flushed
kill -USR1 $pid

say() { python3 -c 'import socket, sys, time; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(f"<6>probe: {int(time.time())}".encode(), "/run/systemd/journal/dev-log")'; }
age() {
  local first
  first=$(journalctl --output=cat --identifier=probe | head -n 1)
  echo $((first == 0 ? 0 : $(date +%s) - first))
}
most=0
end=$((SECONDS + 20))
while [ $SECONDS -lt $end ]; do
  say
  sleep 1
  now=$(age)
  [ "$now" -gt "$most" ] && most=$now
done
before=$(age)
journalctl --vacuum-time=6s
echo "$before $(age) $most"
