"""Takes accounts over from a Prosody's own files: everybody keeps the password that they have in hand."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from authbridge.audit import Actor
from authbridge.errors import AccountFilesError, AuthBridgeError, ConflictError, NotFoundError
from authbridge.login.passwords import Hasher
from authbridge.login.scram_keys import ScramKey
from authbridge.login.typed_passwords import StoredPassword, form_of_chosen
from authbridge.login.usernames import Username, parse_username
from authbridge.prosody_files import AccountFiles, ProsodyAccount
from authbridge.schools.commands.prosody_accounts import StoredAccount, find_school_for, import_accounts
from authbridge.schools.issuing import IssuingServices

_OF_JITSI = re.compile(r"(?:focus|jvb|jigasi|jibri|recorder|transcriber)[-_]?[0-9]*")


@dataclass(frozen=True, slots=True)
class ReadAccount:
    """An account that can be taken over; ``password`` is the SCRAM key, or the password itself."""

    file: str
    username: Username
    password: ScramKey | str = field(repr=False)
    disabled: bool

    def stored(self, hasher: Hasher) -> StoredAccount:
        """Returns what is stored of it: a key as it is, a password as its hash."""
        kept = (
            StoredPassword(self.password.as_text(), generated=False)
            if isinstance(self.password, ScramKey)
            else hasher.hash(self.password, generated=False)
        )
        return StoredAccount(self.file, self.username, kept, self.disabled)


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """The accounts that are taken over, and the names of those that are left: for each a reason."""

    accounts: Sequence[ReadAccount]
    of_jitsi: Sequence[str]
    without_password: Sequence[str]
    excepted: Sequence[str]


def choose_accounts(files: AccountFiles, excepted: Collection[str]) -> AccountChoice:
    """Sorts the accounts of a host; those in ``excepted`` are left, whatever is wrong with them.

    An account is excepted by its login name, or by the name of its file as a fault has it.

    Raises:
        NotFoundError: There is neither an account nor a file of an excepted name.
        AccountFilesError: Some cannot be taken over.
    """
    known = {name for each in files.accounts for name in (each.username, each.file)}
    if unknown := sorted(set(excepted) - known - {file for file, _fault in files.faults}):
        raise NotFoundError("There is no account “%(name)s” in these files.", name=unknown[0])
    faults = [(file, fault) for file, fault in files.faults if file not in excepted]
    accounts: list[ReadAccount] = []
    of_jitsi, without_password = list(files.elsewhere), []
    for each in files.accounts:
        if each.username in excepted or each.file in excepted:
            continue
        if _OF_JITSI.fullmatch(each.username):
            of_jitsi.append(each.username)
        elif each.password is None:
            without_password.append(each.username)
        else:
            try:
                accounts.append(_read(each))
            except AuthBridgeError as error:
                faults.append((each.file, error))
    if faults:
        raise AccountFilesError(sorted(faults, key=lambda fault: fault[0]))
    return AccountChoice(accounts, of_jitsi, without_password, sorted(excepted))


def take_over(choice: AccountChoice, code: str, host: str, services: IssuingServices, *, actor: Actor) -> int:
    """Hashes the passwords that are no keys, with no transaction open, and writes all down or nothing.

    Raises:
        NotFoundError: There is no such school.
        AccountFilesError: A username exists already.
    """
    require_free(choice, code, services)  # hundreds of hashes would be for nothing
    stored = [each.stored(services.hasher) for each in choice.accounts]
    with services.database.write_session() as session:
        return import_accounts(session, code, host, stored, actor=actor, now=services.clock())


def require_free(choice: AccountChoice, code: str, services: IssuingServices) -> None:
    """Makes sure that the school exists, and that nobody has the login names yet.

    Raises:
        NotFoundError: There is no such school.
        AccountFilesError: A username exists already.
    """
    with services.database.read_session() as session:
        find_school_for(session, code, [(each.file, each.username) for each in choice.accounts])


def _read(account: ProsodyAccount) -> ReadAccount:
    username = parse_username(account.username)
    if username != account.username:
        raise ConflictError("The login name would become another one here.")
    password: ScramKey | str
    if isinstance(account.password, str):
        password = account.password
        form_of_chosen(password)
    else:
        assert account.password is not None  # noqa: S101 - chosen for it
        hashed = account.password
        password = ScramKey.of_account(hashed.stored_key, hashed.salt, hashed.iterations)
    return ReadAccount(account.file, username, password, account.disabled)
