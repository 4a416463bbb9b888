#!/usr/bin/env bash
# Prosody runs event handlers of equal priority in an order that differs from one start to the next.
#
# Seen with Prosody 0.12.3 (Debian 12) on Lua 5.4.4.  A handler of higher priority runs first; 0 is what a module gets that
# names none.  util.events collects the handlers with pairs() over a table whose keys are functions, and sorts them with
# table.sort, which is not stable: the order of equals depends on where the functions lie in memory, which each start
# decides anew.  Within one run it stays as it is.
#
# So two modules of Jitsi and one of ours on the same event with the default priority may work in every test, and fail
# after the next restart; a handler that answers (returns something) then hides the other one at some starts only.
#
# Output seen: "60 starts, 3 orders of four handlers: 1234 2314 3124"
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

for package in prosody=0.12.3-1+deb12u1 lua5.4=5.4.4-3+deb12u1 liblua5.4-0=5.4.4-3+deb12u1; do
  apt-get download -qq "$package"
done
for file in ./*.deb; do dpkg -x "$file" tree; done

cat >start.lua <<'LUA'
local events = dofile(arg[1]).new();
local order = {};
for i = 1, 4 do events.add_handler("stanza", function () table.insert(order, i); end); end
events.fire_event("stanza");
print(table.concat(order));
LUA

library=$(dirname "$(find tree -name 'liblua5.4.so.0' | head -n 1)")
orders=$(for _ in $(seq 60); do
  LD_LIBRARY_PATH="$library" tree/usr/bin/lua5.4 start.lua tree/usr/lib/prosody/util/events.lua
done | sort -u)
echo "60 starts, $(wc -l <<<"$orders") orders of four handlers:" $orders
if [ "$(wc -l <<<"$orders")" -lt 2 ]; then
  echo "The order is the same at each start now." >&2
  exit 1
fi
