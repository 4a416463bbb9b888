#!/usr/bin/env bash
# logrotate with "rotate 7, maxage 7, notifempty" keeps the last lines for as long as nothing is logged: weeks, not seven days.
#
# Seen with logrotate 3.21.0 (Debian 12).  An empty log is not rotated (notifempty), and old files are looked at, counted and
# compared with maxage when their log is rotated and at no other time.  So the lines of the last day before the holidays lie
# in NAME.1 until somebody comes back.  "ifempty" (the default; stock files of nginx and jicofo turn it off) rotates every day,
# and "rotate N" then deletes a line after N + 1 days at most: seven days need "rotate 6", and no maxage.
#
# Two more that keep lines, both shown: after "rotate 9" became "rotate 6", NAME.8 and NAME.9 stay for ever; and a log that a
# pattern (*.log) finds is taken for rotated when it is first seen, so that its first lines stay a day longer.
#
# Output seen: "49 days after the last line: maxage 7, notifempty 1 file with lines, rotate 6, ifempty 0; after rotate 9 became 6: 2 old files left; first line: named 7 days, by pattern 8 days"
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

packages="logrotate=3.21.0-1 libfaketime=0.9.10-2.1 libpopt0=1.19+dfsg-1"
for package in $packages; do apt-get download -qq "$package"; done
for file in ./*.deb; do dpkg -x "$file" tree; done
library=$(dirname "$(find tree -name 'libpopt.so.0' | head -n 1)")
faketime=$(find "$folder/tree" -name 'libfaketime.so.1' | head -n 1)

# run DIRECTORY DAY: logrotate as its timer runs it, on that day.
run() {
  local day
  day=$(date -u -d "2026-07-01 + $2 days" +%F)
  TZ=UTC LC_ALL=C NO_FAKE_STAT=1 FAKETIME="@$day 00:05:00" LD_PRELOAD="$faketime" LD_LIBRARY_PATH="$library" \
    tree/usr/sbin/logrotate --state "$folder/$1/state" "$folder/$1/conf"
  # What was written just now was written then.
  find "$1" -newermt "$day 00:06:00" -type f ! -name conf -exec touch -d "$day 00:04:00 UTC" {} +
}
# block DIRECTORY PATTERN DIRECTIVES…
block() {
  local name=$1 pattern=$2
  mkdir -p "$name/log"
  chmod 755 "$name/log"
  shift 2
  { echo "$folder/$name/log/$pattern {"; printf '  %s\n' missingok create "$@"; echo "}"; } >"$name/conf"
  chmod 644 "$name/conf"
}
with_lines() { find "$1/log" -type f -size +0 | wc -l; }

block silent a.log daily 'rotate 7' 'maxage 7' notifempty
block loud a.log daily 'rotate 6' ifempty
for name in silent loud; do
  run $name 0
  echo "the last line" >$name/log/a.log
  for day in $(seq 1 49); do run $name "$day"; done
done

block fewer a.log daily 'rotate 9'
touch fewer/log/a.log
for day in $(seq 0 12); do
  run fewer "$day"
  echo line >>fewer/log/a.log
done
block fewer a.log daily 'rotate 6'
for day in $(seq 13 30); do run fewer "$day"; done
left=$(find fewer/log -name 'a.log.*' -size +0 | wc -l)

block named a.log daily 'rotate 6'
block pattern '*.log' daily 'rotate 6'
declare -A kept
for name in named pattern; do
  run $name 0
  echo "the first line" >$name/log/a.log
  kept[$name]=0
  for day in $(seq 1 12); do
    run $name "$day"
    if [ "$(with_lines $name)" = 0 ]; then
      kept[$name]=$day
      break
    fi
  done
done

echo "49 days after the last line: maxage 7, notifempty $(with_lines silent) file with lines, rotate 6, ifempty $(with_lines loud);" \
  "after rotate 9 became 6: $left old files left; first line: named ${kept[named]} days, by pattern ${kept[pattern]} days"
if [ "$(with_lines silent) $(with_lines loud) $left ${kept[named]} ${kept[pattern]}" != "1 0 2 7 8" ]; then
  echo "logrotate deletes at other times now." >&2
  exit 1
fi
