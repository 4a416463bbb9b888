"""Stand-ins for Jitsi's Prosody modules: some work, as those of ``tests/prosody``, the others do nothing."""

import shutil
from pathlib import Path

_SMALL = Path(__file__).parents[2] / "prosody"

_WORKING = {
    "auth_jitsi-anonymous": "mod_auth_small_anonymous.lua",
    "auth_token": "mod_auth_token.lua",
    "client_proxy": "mod_client_proxy.lua",
}
_IDLE = (
    "av_moderation",
    "av_moderation_component",
    "conference_duration",
    "conference_duration_component",
    "end_conference",
    "features_identity",
    "filesharing_component",
    "limits_exception",
    "muc_breakout_rooms",
    "muc_domain_mapper",
    "muc_hide_all",
    "muc_lobby_rooms",
    "muc_meeting_id",
    "muc_password_check",
    "muc_password_whitelist",
    "muc_rate_limit",
    "polls",
    "polls_component",
    "room_metadata",
    "room_metadata_component",
    "speakerstats",
    "speakerstats_component",
)


def lay_plugins(folder: Path) -> None:
    """Writes the modules into that folder, each as ``mod_NAME.lua``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, small in _WORKING.items():
        shutil.copyfile(_SMALL / small, folder / f"mod_{name}.lua")
    for name in _IDLE:
        (folder / f"mod_{name}.lua").write_text("-- stands in for Jitsi's module; does nothing\n")
