"""The panel's parts, made once and handed to the application; and its clock."""

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime

from flask import current_app

from admin.stores.block_receipts import BlockReceipts
from admin.stores.challenges import Challenges
from admin.stores.drafts import Drafts
from admin.stores.handouts import Handouts
from admin.stores.idempotent_forms import IdempotentForms
from admin.stores.import_tables import ImportTables
from admin.stores.late_forms import LateForms
from admin.stores.login_counts import LoginCounts
from admin.stores.service_health import ServiceHealth
from admin.stores.shown_codes import ShownCodes
from authbridge.clock import Clock
from authbridge.config import Config
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.login.limits import Limits
from authbridge.login.passwords import Hasher
from authbridge.misuse.guesses import CodeGuesses
from authbridge.schools.school_year import SchoolCalendar
from authbridge.staff.sign_in import SignInServices
from authbridge.storage.database import Database

EXTENSION = "authbridge"

_ISSUING_THREADS = 4  # orders that are worked on at once


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; its stores and its threads live as long as the process.

    ``block_forms`` come from the report page; so strangers push out none of ``idempotent_forms``, of staff.
    ``issuers`` work on orders and imports, ``hashers`` hash the passwords of all of them, one thread a core.
    """

    config: Config
    sign_in: SignInServices
    hasher: Hasher
    service_health: ServiceHealth
    handouts: Handouts = field(default_factory=Handouts)
    import_tables: ImportTables = field(default_factory=ImportTables)
    invitation_codes: ShownCodes = field(default_factory=ShownCodes)
    shown_report_codes: ShownCodes = field(default_factory=ShownCodes)
    block_receipts: BlockReceipts = field(default_factory=BlockReceipts)
    block_forms: IdempotentForms = field(default_factory=IdempotentForms)
    code_guesses: CodeGuesses = field(default_factory=CodeGuesses)
    challenges: Challenges = field(default_factory=Challenges)
    drafts: Drafts = field(default_factory=Drafts)
    late_forms: LateForms = field(default_factory=LateForms)
    idempotent_forms: IdempotentForms = field(default_factory=IdempotentForms)
    login_counts: LoginCounts = field(default_factory=LoginCounts)
    issuers: Executor = field(default_factory=lambda: ThreadPoolExecutor(_ISSUING_THREADS, "issuer"))
    hashers: Executor = field(
        default_factory=lambda: ThreadPoolExecutor(len(os.sched_getaffinity(0)), "hasher")
    )

    @property
    def database(self) -> Database:
        """Returns the database of the whole service."""
        return self.sign_in.database

    @property
    def clock(self) -> Clock:
        """Returns the present moment when called."""
        return self.sign_in.clock

    @property
    def keyed_hashes(self) -> KeyedHashes:
        """Finds what is kept of names as keyed hashes."""
        return self.sign_in.keyed_hashes

    @property
    def limits(self) -> Limits:
        """Returns the numbers of the login policy."""
        return self.sign_in.limits


def current_panel() -> Panel:
    """Returns the panel of the request under way."""
    panel: Panel = current_app.extensions[EXTENSION]
    return panel


def now() -> datetime:
    """Returns the present moment."""
    return current_panel().clock()


def school_calendar() -> SchoolCalendar:
    """Returns the present day, and the day of the year on which accesses run out."""
    return SchoolCalendar(today(), current_panel().config.school_year_ends)


def today() -> date:
    """Returns the present day where the schools are."""
    return now().astimezone(current_panel().config.timezone).date()
