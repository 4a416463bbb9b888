#!/usr/bin/env bash
# A filter that a module adds to a client's session is gone once the client has resumed its stream (XEP-0198).
#
# Seen with Prosody 0.12.3 (Debian 12) on Lua 5.4.4.  mod_smacks keeps the session of the first connection and gives it the
# filters of the second one (handle_resume: "original_session.filters = session.filters"), to which only its own are added
# again; nothing tells the module that had added the others.  13.0 does the same in sessionmanager.update_session.  The
# event for it is "smacks-hibernation-end" on the session's host: its `resumed` is the session whose filters are to be added again.
#
# So a module that counts, changes or drops what a client sends by a filter does so until the first tunnel: clients resume
# by themselves, and in a short test nobody does.
#
# Output seen: "heard by the filter before the resumption: 1 of 1; after it: 0 of 1"
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
cat >plugins/mod_listener.lua <<'LUA'
local add_filter = require "util.filters".add_filter;
module:hook("resource-bind", function (event)
	add_filter(event.session, "stanzas/in", function (stanza)
		if stanza.name == "message" then module:log("info", "heard %s", stanza:get_child_text("body")); end
		return stanza;
	end);
end);
LUA
cat >prosody.cfg.lua <<LUA
run_as_root = true; data_path = "$folder/data"; certificates = "$folder/certs"; pidfile = "$folder/pid"
plugin_paths = { "$folder/plugins" }
log = { { levels = { min = "info" }, to = "file", filename = "$folder/log" } }
interfaces = { "127.0.0.1" }; c2s_ports = { $port }; http_ports = {}; https_ports = {}; s2s_ports = {}
modules_disabled = { "s2s" }; c2s_require_encryption = false; storage = "memory"; network_backend = "epoll"
modules_enabled = { "saslauth", "smacks", "posix", "listener" }
VirtualHost "localhost"
  authentication = "insecure"; insecure_open_authentication = "Yes please, I know what I'm doing!"
  allow_unencrypted_plain_auth = true
LUA
LD_LIBRARY_PATH="$library" LUA_PATH="$folder/tree/usr/share/lua/5.4/?.lua;$folder/tree/usr/share/lua/5.4/?/init.lua" \
  LUA_CPATH="$folder/$library/lua/5.4/?.so" tree/usr/bin/lua5.4 tree/usr/bin/prosody --config prosody.cfg.lua -F >out 2>&1 &
pid=$!

cat >client.py <<'PY'
import base64, re, socket, sys, time

port = int(sys.argv[1])
opening = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"
acks = "urn:xmpp:sm:3"


class Stream:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.ask(opening, "</stream:features>")
        secret = base64.b64encode(b"\0anna\0any").decode()
        self.ask(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>", "<success")
        self.ask(opening, "</stream:features>")

    def ask(self, text, until):
        self.socket.sendall(text.encode())
        heard = ""
        while until not in heard:
            heard += self.socket.recv(65536).decode()
        return heard

    def say(self, body):
        self.socket.sendall(f"<message to='localhost'><body>{body}</body></message>".encode())
        self.ask(f"<r xmlns='{acks}'/>", "<a ")


for _ in range(100):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except OSError:
        time.sleep(0.1)
first = Stream()
first.ask("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</iq>")
answer = first.ask(f"<enable xmlns='{acks}' resume='true'/>", "/>")
token = re.search(r" id='([^']+)'", answer)[1]
first.say("before")
first.socket.close()
second = Stream()
second.ask(f"<resume xmlns='{acks}' h='0' previd='{token}'/>", "<resumed")
second.say("after")
PY
python3 client.py "$port"

before=$(grep -c "heard before" log || true)
after=$(grep -c "heard after" log || true)
echo "heard by the filter before the resumption: $before of 1; after it: $after of 1"
if [ "$before" != 1 ] || [ "$after" != 0 ]; then
  echo "A resumed session keeps its filters now." >&2
  exit 1
fi
