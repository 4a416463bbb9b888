#!/usr/bin/env bash
# Prosody keeps some 2 KB of each TCP or WebSocket connection until `c2s_timeout` (five minutes) is over, also of one
# that logged in and left long before.
#
# Seen with Prosody 0.12.3 (Debian 12) on Lua 5.4.4; 13.0.1 does the same.  mod_c2s sets a timer at each connection that
# ends those which do not log in within `c2s_timeout`.  Nothing stops the timer when one logs in or leaves, and what it
# calls holds the session, its logger and what is left of its stream.  (The mod_c2s of Debian sid stops it.)
#
# So a load test shorter than five minutes sees memory that grows with each login and calls it a leak; what grows is the
# rate of logins times five minutes.  With a short `c2s_timeout` the memory of the same test is flat.
#
# Output seen: "heap: 1.2 MB before 1500 logins, 4.6 MB while the timers run, 1.4 MB once they are over"
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

packages="prosody=0.12.3-1+deb12u1 lua5.4=5.4.4-3+deb12u1 liblua5.4-0=5.4.4-3+deb12u1 lua-socket=3.1.0-1+b1 lua-expat=1.5.1-3 lua-filesystem=1.8.0-3 lua-sec=1.2.0-2 libidn12=1.41-1"
for package in $packages; do apt-get download -qq "$package"; done
for file in ./*.deb; do dpkg -x "$file" tree; done
sed -i -E "s#^(CFG_[A-Z]+DIR=['\"])/#\1$folder/tree/#" tree/usr/bin/prosody
library=$(dirname "$(find tree -name 'liblua5.4.so.0' | head -n 1)")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

mkdir -p plugins data certs
cat >plugins/mod_heap.lua <<'LUA'
module:add_timer(1, function ()
	collectgarbage(); collectgarbage();
	module:log("info", "heap %d", math.floor(collectgarbage("count")));
	return 1;
end);
LUA
cat >prosody.cfg.lua <<LUA
run_as_root = true; data_path = "$folder/data"; certificates = "$folder/certs"; pidfile = "$folder/pid"
plugin_paths = { "$folder/plugins" }
log = { { levels = { min = "info" }, to = "file", filename = "$folder/log" } }
interfaces = { "127.0.0.1" }; c2s_ports = { $port }; http_ports = {}; https_ports = {}; s2s_ports = {}
modules_disabled = { "s2s" }; c2s_require_encryption = false; storage = "memory"; network_backend = "epoll"
c2s_timeout = 20
modules_enabled = { "saslauth", "posix" }
VirtualHost "localhost"
  authentication = "anonymous"; modules_enabled = { "heap" }
LUA
LD_LIBRARY_PATH="$library" LUA_PATH="$folder/tree/usr/share/lua/5.4/?.lua;$folder/tree/usr/share/lua/5.4/?/init.lua" \
  LUA_CPATH="$folder/$library/lua/5.4/?.so" tree/usr/bin/lua5.4 tree/usr/bin/prosody --config prosody.cfg.lua -F >out 2>&1 &
pid=$!

heap() { # kilobytes, by a measurement from now on
  sleep 2.5
  tail -n 5000 log | grep -o 'heap [0-9]*' | tail -n 1 | cut -d ' ' -f 2
}

cat >client.py <<'PY'
import socket, sys

opening = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"


def log_in():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as connection:

        def ask(text, until):
            connection.sendall(text.encode())
            heard = ""
            while until not in heard:
                heard += connection.recv(65536).decode()

        ask(opening, "</stream:features>")
        ask("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>", "<success")
        ask(opening, "</stream:features>")
        ask("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</iq>")
        ask("</stream:stream>", "</stream:stream>")


for _ in range(int(sys.argv[2])):
    log_in()
PY
for _ in $(seq 100); do
  if python3 client.py "$port" 1 2>/dev/null; then break; fi
  sleep 0.1
done
sleep 21
before=$(heap)
python3 client.py "$port" 1500
during=$(heap)
sleep 22
after=$(heap)
megabytes() { awk -v kb="$1" 'BEGIN { printf "%.1f MB", kb / 1024 }'; }
echo "heap: $(megabytes "$before") before 1500 logins, $(megabytes "$during") while the timers run, $(megabytes "$after") once they are over"
if [ "$((during - before))" -lt 1500 ] || [ "$((after - before))" -gt 300 ]; then
  echo "Prosody does not keep sessions that ended until c2s_timeout any more." >&2
  exit 1
fi
