"""Describes what is kept of schools, their accounts, the letters and reports about them."""

from sqlalchemy import and_

from authbridge import audit
from authbridge.data_protection.descriptions import (
    N_,
    Audience,
    DataSubject,
    KeptFor,
    KeptUntil,
    Months,
    TableDescription,
    fixed,
)
from authbridge.data_protection.descriptions import ColumnDescription as Column
from authbridge.login.staff_names import STAFF_PREFIX
from authbridge.misuse import commands as misuse
from authbridge.schools.commands import organisers, print_jobs, report_codes, suspensions
from authbridge.statistics import counting
from authbridge.storage.models import (
    MisuseReport,
    MonthlyTotal,
    Organiser,
    PrintJob,
    ReportCode,
    School,
    Suspension,
    TermsVersion,
)

_ID = Column(N_("internal number"), is_internal=True)
_SCHOOL = Column(N_("school"), is_internal=True)
_HASH = N_("It is a hash: it says nothing about you, and would help others to guess the password.")
_COLLEAGUE = N_("It names a member of staff of the media centre, who acted in their office.")

_WITH_SCHOOL = KeptUntil(N_("as long as the media centre serves the school; never deleted by itself"))
_WITH_ACCOUNT = KeptUntil(N_("until staff delete the account"), organisers.delete_organiser)
_FORMER = KeptFor(
    fixed(organisers.FORMER_KEPT),
    Organiser.previous_until,
    N_("after its last day"),
    organisers.purge,
    Organiser.previous_hash.is_not(None),
)
_NOTE = KeptFor(
    fixed(suspensions.NOTE_KEPT),
    Suspension.until,
    N_("after the end of the suspension"),
    suspensions.purge,
    Suspension.note.is_not(None),
)
_NAMES_OF_STAFF = KeptFor(
    fixed(audit.KEPT),
    Suspension.until,
    N_("after the end of the suspension"),
    suspensions.purge,
    Suspension.suspended_by != audit.FORGOTTEN_STAFF,
)
_REPORT = KeptFor(fixed(misuse.KEPT), MisuseReport.closed_at, N_("after the report was closed"), misuse.purge)
_WORDS_OF_REPORT = KeptFor(
    fixed(misuse.KEPT),
    MisuseReport.at,
    N_("after the report, even while it is open"),
    misuse.purge,
    and_(MisuseReport.closed_at.is_(None), MisuseReport.happened + MisuseReport.description != ""),
)
_WRITER_OF_REPORT = KeptFor(
    fixed(audit.KEPT),
    MisuseReport.at,
    N_("after the report, even while it is open"),
    misuse.purge,
    MisuseReport.actor.startswith(STAFF_PREFIX),
)
_CODE = KeptFor(
    fixed(report_codes.EXPIRED_KEPT), ReportCode.expires_on, N_("after its last day"), report_codes.purge
)
_TOTAL = KeptFor(
    fixed(Months(counting.MONTHS_KEPT)), MonthlyTotal.month, N_("after the month"), counting.purge
)

TABLES = (
    TableDescription(
        School,
        N_("Schools"),
        N_("To issue accounts to schools, to write to them, and to know a school's own network."),
        DataSubject.SCHOOL,
        Audience.EVERY_ROLE,
        _WITH_SCHOOL,
        {
            "id": _ID,
            "code": Column(N_("short code of the school")),
            "name": Column(N_("name of the school")),
            "trusted_networks": Column(N_("the school's own networks"), is_internal=True),
            "suspended_at": Column(N_("suspended since")),
            "created_at": Column(N_("added on")),
            "street": Column(N_("street"), is_internal=True),
            "place": Column(N_("place")),
            "mailbox": Column(N_("e-mail address of an office, not of a person"), is_internal=True),
            "contract_on": Column(N_("day of the contract on data processing")),
            "quota": Column(N_("number of accounts that it may have"), is_internal=True),
            "revision": Column(N_("number of changes to this entry"), is_internal=True),
            "terms_version": Column(
                N_("version of the terms of use that it was sent last"), is_internal=True
            ),
        },
        School.created_at,
    ),
    TableDescription(
        Organiser,
        N_("Accounts"),
        N_("To decide who may open a meeting. It has no personal name: the school knows who holds it."),
        DataSubject.ORGANISER,
        Audience.EVERY_ROLE,
        _WITH_ACCOUNT,
        {
            "id": _ID,
            "username": Column(N_("login name, as a rule drawn at random")),
            "school_id": _SCHOOL,
            "password_hash": Column(
                N_("hash of the password (bcrypt; that of the former server until the first login)"),
                audience=Audience.PROGRAM,
                withheld=_HASH,
            ),
            "password_generated": Column(N_("whether the password was generated here")),
            "quick_check": Column(
                N_("eight bits that sort out most wrong passwords"), audience=Audience.PROGRAM, withheld=_HASH
            ),
            "print_job_id": Column(N_("number on the letter")),
            "credential_version": Column(N_("number of passwords so far")),
            "previous_hash": Column(
                N_("hash of the former password, as long as it counts"),
                audience=Audience.PROGRAM,
                kept=_FORMER,
                withheld=_HASH,
            ),
            "previous_generated": Column(
                N_("whether the former password was generated here"), kept=_FORMER, is_internal=True
            ),
            "previous_quick_check": Column(
                N_("eight bits that sort out most wrong passwords"),
                audience=Audience.PROGRAM,
                kept=_FORMER,
                withheld=_HASH,
            ),
            "previous_until": Column(N_("last day on which the former password counts"), kept=_FORMER),
            "valid_until": Column(N_("last day of validity")),
            "suspended_at": Column(N_("suspended since")),
            "last_login_on": Column(N_("day of the last login, without the time")),
            "counted_in": Column(N_("month in which the statistics last counted it as active")),
            "created_at": Column(N_("issued on")),
        },
        Organiser.created_at,
    ),
    TableDescription(
        Suspension,
        N_("Suspensions"),
        N_("To know why an access was ended, and by which office."),
        DataSubject.ORGANISER,
        Audience.EVERY_ROLE,
        _WITH_ACCOUNT,
        {
            "id": _ID,
            "organiser_id": Column(N_("account"), is_internal=True),
            "school_id": _SCHOOL,
            "reason": Column(N_("reason, one of four")),
            "reported_by": Column(N_("role of the person who reported it, never a name")),
            "note": Column(N_("note of one line"), kept=_NOTE),
            "since": Column(N_("beginning")),
            "suspended_by": Column(
                N_("member of staff who suspended"),
                subject=DataSubject.STAFF,
                kept=_NAMES_OF_STAFF,
                withheld=_COLLEAGUE,
            ),
            "until": Column(N_("end")),
            "reinstated_by": Column(
                N_("member of staff who ended it"),
                subject=DataSubject.STAFF,
                kept=_NAMES_OF_STAFF,
                withheld=_COLLEAGUE,
            ),
        },
        Suspension.since,
    ),
    TableDescription(
        MisuseReport,
        N_("Misuse reports"),
        N_("To follow up reported misuse of credentials."),
        DataSubject.ORGANISER,
        Audience.EVERY_ROLE,
        _REPORT,
        {
            "id": _ID,
            "school_id": _SCHOOL,
            "organiser_id": Column(N_("account, if it is known"), is_internal=True),
            "at": Column(N_("reported on")),
            "happened": Column(N_("when it happened, as it was told"), kept=_WORDS_OF_REPORT),
            "description": Column(N_("what happened, in a few words without names"), kept=_WORDS_OF_REPORT),
            "reported_by": Column(N_("role of the person who reported it, never a name")),
            "actor": Column(
                N_("member of staff who took it down"),
                subject=DataSubject.STAFF,
                kept=_WRITER_OF_REPORT,
                withheld=_COLLEAGUE,
            ),
            "report_code_id": Column(N_("report code by which it came"), is_internal=True),
            "suspension_id": Column(N_("suspension that came of it"), is_internal=True),
            "closed_at": Column(N_("closed on")),
            "closed_by": Column(
                N_("member of staff who closed it"), subject=DataSubject.STAFF, withheld=_COLLEAGUE
            ),
            "result": Column(N_("result, one of three")),
            "result_note": Column(N_("note on the result")),
        },
        MisuseReport.at,
    ),
    TableDescription(
        ReportCode,
        N_("Report codes"),
        N_("To let the head of a school block at night, with the code from their envelope."),
        DataSubject.SCHOOL,
        Audience.EVERY_ROLE,
        _CODE,
        {
            "id": _ID,
            "school_id": _SCHOOL,
            "code_hash": Column(N_("keyed hash of the code"), audience=Audience.PROGRAM),
            "print_job_id": Column(N_("number on the letter")),
            "made_at": Column(N_("made on")),
            "expires_on": Column(N_("last day on which it counts")),
            "used_at": Column(N_("used on")),
        },
        ReportCode.made_at,
    ),
    TableDescription(
        PrintJob,
        N_("Print jobs"),
        N_("To tell by the number on a letter whether it is still valid."),
        DataSubject.STAFF,
        Audience.EVERY_ROLE,
        KeptFor(fixed(audit.KEPT), PrintJob.at, N_("after the printing"), print_jobs.purge),
        {
            "id": Column(N_("number on the letter"), subject=DataSubject.NOBODY),
            "school_id": Column(N_("school"), subject=DataSubject.SCHOOL, is_internal=True),
            "at": Column(N_("printed on")),
            "actor": Column(N_("member of staff who printed"), withheld=_COLLEAGUE),
            "letters": Column(N_("number of letters"), subject=DataSubject.NOBODY),
            "terms_version": Column(
                N_("version of the terms of use that travelled with them"), subject=DataSubject.NOBODY
            ),
        },
        PrintJob.at,
    ),
    TableDescription(
        TermsVersion,
        N_("Versions of the terms of use"),
        N_("To know which terms travelled with which letter."),
        DataSubject.NOBODY,
        Audience.EVERY_ROLE,
        KeptUntil(N_("for good: a letter must not lose its terms")),
        {
            "number": Column(N_("number of the version")),
            "dated_on": Column(N_("day of the version")),
            "texts": Column(N_("the text, in each language")),
            "first_printed_at": Column(N_("first printed on")),
        },
        TermsVersion.first_printed_at,
    ),
    TableDescription(
        MonthlyTotal,
        N_("Statistics"),
        N_("To report numbers to the county, per school and month."),
        DataSubject.SCHOOL,
        Audience.EVERY_ROLE,
        _TOTAL,
        {
            "school_id": _SCHOOL,
            "month": Column(N_("month")),
            "accounts": Column(N_("number of accounts")),
            "active": Column(N_("number of accounts with a login")),
            "logins": Column(N_("number of logins")),
            "meetings": Column(N_("number of meetings")),
        },
        MonthlyTotal.month,
    ),
)
