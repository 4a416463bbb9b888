"""What the panel works with, made once and handed to the application."""

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

from flask import current_app

from admin.status.health import Health
from admin.stores.drafts import Drafts
from admin.stores.handouts import Slips
from admin.stores.idempotent_forms import Deeds
from admin.stores.invitation_codes import Codes
from authbridge.clock import Clock
from authbridge.config import Config
from authbridge.database import Database
from authbridge.passwords import Hasher
from authbridge.policy import Limits
from authbridge.signin import SignInSetting
from authbridge.traces import Traces

EXTENSION = "authbridge"

_CLERKS = 4  # orders that are worked on at once


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; all but the first four live as long as the process.

    ``clerks`` work on orders, ``hashers`` make their passwords, as many at once as there are cores.
    """

    config: Config
    sign_in: SignInSetting
    hasher: Hasher
    health: Health
    slips: Slips = field(default_factory=Slips)
    codes: Codes = field(default_factory=Codes)
    drafts: Drafts = field(default_factory=Drafts)
    deeds: Deeds = field(default_factory=Deeds)
    clerks: Executor = field(default_factory=lambda: ThreadPoolExecutor(_CLERKS, "clerk"))
    hashers: Executor = field(
        default_factory=lambda: ThreadPoolExecutor(len(os.sched_getaffinity(0)), "hasher")
    )

    @property
    def database(self) -> Database:
        """Where everything is kept."""
        return self.sign_in.database

    @property
    def clock(self) -> Clock:
        """What time it is."""
        return self.sign_in.clock

    @property
    def traces(self) -> Traces:
        """Finds what is kept of names as keyed hashes."""
        return self.sign_in.traces

    @property
    def limits(self) -> Limits:
        """The numbers of the login policy."""
        return self.sign_in.limits


def the_panel() -> Panel:
    """The panel of the request under way."""
    panel: Panel = current_app.extensions[EXTENSION]
    return panel
