-- An example: a stock Jitsi host, /etc/prosody/conf.avail/meet.example.org.cfg.lua, with AuthBridge.
-- The lines with "-- AuthBridge" are what changes; `authbridge prosody-config --host meet.example.org`
-- prints them for your installation.

plugin_paths = { "/opt/authbridge/prosody_mod", "/usr/share/jitsi-meet/prosody-plugins/" } -- AuthBridge: the first folder

consider_bosh_secure = true
consider_websocket_secure = true -- AuthBridge: missing in the stock file; without it, no login over WebSocket
gc = { mode = "generational" } -- AuthBridge: a login then takes Prosody half the time
c2s_stanza_size_limit = 10485760 -- AuthBridge: else jicofo gets a smaller one at some starts

VirtualHost "meet.example.org"
    authentication = "external" -- AuthBridge
    modules_disabled = { "account_activity", "bookmarks", "pep", "vcard4", "vcard_legacy", "invites_register", "register" } -- AuthBridge
    external_auth_url = "http://127.0.0.1:8701" -- AuthBridge
    external_auth_token_file = "/etc/authbridge/api-token" -- AuthBridge
    -- external_auth_timeout = 15 -- seconds, 1 to 60
    -- Only if nginx overwrites X-Forwarded-For on both locations; see deploy/nginx and the module's README:
    -- external_auth_proxy_overwrites_address = true
    modules_enabled = { "bosh", "websocket", "ping" }

VirtualHost "guest.meet.example.org"
    authentication = "jitsi-anonymous" -- as Jitsi's packages have it; not Prosody's own "anonymous"

Component "conference.meet.example.org" "muc"
    restrict_room_creation = true
    modules_enabled = {
        -- those of Jitsi's packages, and
        "meeting_rules"; -- AuthBridge: the rules of the meeting
    }
    -- Each rule can be switched off; prosody_mod/mod_meeting_rules/README.md says what it does:
    -- meeting_rules_names = false
