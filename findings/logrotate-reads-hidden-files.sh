#!/usr/bin/env bash
# logrotate reads every hidden file of an included folder, also with an ending that it is told to leave out (.dpkg-new, .swp).
#
# Seen with logrotate 3.21.0 (Debian 12).  The endings are patterns such as "*.dpkg-new", compared by fnmatch with FNM_PERIOD:
# a star at the beginning does not match a leading point.  Hidden files sort first, and of two blocks for one log the first
# counts; the second is refused as a duplicate, and the run ends with an error every day.
#
# So a program that writes /etc/logrotate.d/.NAME.dpkg-new and renames it, or an editor with .NAME.swp, may put rules in force
# that are half written.  Without the point the same name is left out.
#
# Output seen: "nginx.dpkg-new: left out; .nginx.dpkg-new: read"
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

packages="logrotate=3.21.0-1 libpopt0=1.19+dfsg-1"
for package in $packages; do apt-get download -qq "$package"; done
for file in ./*.deb; do dpkg -x "$file" tree; done
library=$(dirname "$(find tree -name 'libpopt.so.0' | head -n 1)")

mkdir d
echo "include $folder/d" >conf
for name in nginx.dpkg-new .nginx.dpkg-new; do printf '/var/log/none.log {\n  daily\n  missingok\n}\n' >"d/$name"; done
chmod 644 conf d/.nginx.dpkg-new d/nginx.dpkg-new
LC_ALL=C LD_LIBRARY_PATH="$library" tree/usr/sbin/logrotate --debug --state "$folder/state" conf >said 2>&1 || true
of() { grep -qx "reading config file $1" said && echo read || echo "left out"; }

echo "nginx.dpkg-new: $(of nginx.dpkg-new); .nginx.dpkg-new: $(of .nginx.dpkg-new)"
if [ "$(of nginx.dpkg-new), $(of .nginx.dpkg-new)" != "left out, read" ]; then
  echo "logrotate chooses its files in another way now." >&2
  exit 1
fi
