#!/usr/bin/env bash
# Prosody's XML parser may hand a stanza out only when the next bytes come: a tag that is longer than what was read at once waits.
#
# Seen with libexpat 2.5.0-1+deb12u5 (Debian 12 since its update; as 2.6 and later, Debian 13) under lua-expat 1.5.1, which Prosody
# uses.  Expat does not look at an unfinished tag again before twice as many bytes have come (reparse deferral); a program may
# switch that off with XML_SetReparseDeferralEnabled, which lua-expat 1.5 does not offer.  So a tag of 20,000 bytes (an attribute
# with a picture, say) that arrives in pieces is complete, and yet nobody is told of it; an XMPP client that waits for the
# answer before it says anything else waits for ever.  With 2.5.0-1+deb12u1 the same bytes were handed out at once.
#
# Output seen: "in one piece: at once; in pieces of 4,096 bytes: not at once, with the next 20,000 bytes"
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for package in libexpat1=2.5.0-1+deb12u5 lua-expat=1.5.1-3 lua5.4=5.4.4-3+deb12u1 liblua5.4-0=5.4.4-3+deb12u1; do
  apt-get download -qq "$package"
done
for file in ./*.deb; do dpkg -x "$file" tree; done
library=$folder/tree/usr/lib/x86_64-linux-gnu

cat >probe.lua <<'LUA'
local function handed_out(size)
  local seen = false
  local parser = require "lxp".new { StartElement = function(_, name) seen = seen or name == "iq" end }
  parser:parse("<stream>")
  local tag = "<iq data='" .. ("x"):rep(20000) .. "'/>"
  for start = 1, #tag, size do parser:parse(tag:sub(start, start + size - 1)) end
  if seen then return "at once" end
  parser:parse((" "):rep(20000))
  return seen and "not at once, with the next 20,000 bytes" or "never"
end
print(("in one piece: %s; in pieces of 4,096 bytes: %s"):format(handed_out(30000), handed_out(4096)))
LUA
said=$(LD_LIBRARY_PATH="$library:$folder/tree/lib/x86_64-linux-gnu" LUA_CPATH="$library/lua/5.4/?.so" tree/usr/bin/lua5.4 probe.lua)
echo "$said"
if [ "$said" != "in one piece: at once; in pieces of 4,096 bytes: not at once, with the next 20,000 bytes" ]; then
  echo "expat or lua-expat hands tags out at other times now." >&2
  exit 1
fi
