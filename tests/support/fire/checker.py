"""Finds in a history what contradicts the promises.  Pure.

Each account is a register, as Jepsen's checker Knossos has it: every change and every login takes effect at
one moment between its begin and its end, and there must be an order of these moments in which each login was
told the truth about the account as it was just then (linearizability, Herlihy and Wing 1990).  A change that
was not acknowledged takes effect once or never.  Sessions are judged by the moments of calm.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.support.fire.history import Calm, Change, Command, History, Login, SessionSpan, Verdict


@dataclass(frozen=True, slots=True)
class Account:
    """What counts for a login."""

    suspended: bool = False
    school_suspended: bool = False
    generation: int = 1

    def after(self, change: Change) -> "Account":
        """Returns the account as that change leaves it."""
        match change.command:
            case Command.SUSPEND:
                return replace(self, suspended=True)
            case Command.REINSTATE:
                return replace(self, suspended=False)
            case Command.SUSPEND_SCHOOL:
                return replace(self, school_suspended=True)
            case Command.REINSTATE_SCHOOL:
                return replace(self, school_suspended=False)
            case Command.RESET:
                return replace(self, generation=change.generation)
            case Command.END_SESSIONS:
                return self

    def tells(self, generation: int) -> Verdict:
        """Returns what a login with that password must be told."""
        if generation != self.generation:
            return Verdict.REFUSED
        return Verdict.SUSPENDED if self.suspended or self.school_suspended else Verdict.GRANTED


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, in a sentence, and when."""

    at: float
    account: int
    what: str

    def __str__(self) -> str:
        """Returns it for a report."""
        return f"{self.at:.3f} s, account {self.account}: {self.what}"


_Operation = Change | Login
_TELLING = (Verdict.GRANTED, Verdict.SUSPENDED, Verdict.REFUSED)


def check(history: History) -> list[Violation]:
    """Returns what contradicts the promises, in order of time; nothing of a history that is right."""
    found: list[Violation] = []
    operations: dict[int, list[_Operation]] = defaultdict(list)
    for change in history.changes:
        operations[change.account].append(change)
    for login in history.logins:
        if login.verdict in _TELLING:
            operations[login.account].append(login)
    for account, its in operations.items():
        found += _untrue_verdicts(account, its)
    found += _silence(history)
    sessions: dict[int, list[SessionSpan]] = defaultdict(list)
    for session in history.sessions:
        sessions[session.account].append(session)
    for account, spans in sessions.items():
        changes = [each for each in history.changes if each.account == account]
        found += _sessions_that_stay(spans, changes, history.calms)
        found += _sessions_cut_for_nothing(spans, changes, history)
    return sorted(found, key=lambda each: each.at)


# Verdicts -------------------------------------------------------------------------------------------

# What the account may be, and which of the open operations have taken effect for that.
_World = tuple[Account, frozenset[int]]


def _untrue_verdicts(account: int, operations: Sequence[_Operation]) -> Iterator[Violation]:
    """Follows every order that is still possible; where an end leaves none, that operation is the fault."""
    moments = sorted(
        [(each.began, 0, number) for number, each in enumerate(operations)]
        + [(each.ended, 1, number) for number, each in enumerate(operations)]
    )
    open_ones: dict[int, _Operation] = {}
    worlds: set[_World] = {(Account(), frozenset())}
    for _, is_end, number in moments:
        operation = operations[number]
        if not is_end:
            open_ones[number] = operation
            continue
        reached = _reachable(worlds, open_ones)
        left = reached
        if isinstance(operation, Login) or operation.is_acknowledged:
            left = {world for world in reached if number in world[1]}
        if not left:
            yield _contradiction(account, operation, {state for state, _ in reached})
            left = reached  # goes on as if it had not been asked
        del open_ones[number]
        worlds = {(state, done - {number}) for state, done in left}


def _reachable(worlds: Iterable[_World], open_ones: Mapping[int, _Operation]) -> set[_World]:
    found: set[_World] = set()
    ahead = list(worlds)
    while ahead:
        state, done = ahead.pop()
        # A login changes nothing: it takes effect as soon as it can.
        done |= {
            number
            for number, each in open_ones.items()
            if isinstance(each, Login) and state.tells(each.generation) is each.verdict
        }
        if (state, done) in found:
            continue
        found.add((state, done))
        ahead += [
            (state.after(each), done | {number})
            for number, each in open_ones.items()
            if isinstance(each, Change) and number not in done
        ]
    return found


def _contradiction(account: int, operation: _Operation, states: Iterable[Account]) -> Violation:
    if isinstance(operation, Change):  # cannot happen: a change is possible in every state
        return Violation(operation.ended, account, f"{operation.command} took no effect")
    truths = sorted({state.tells(operation.generation) for state in states})
    return Violation(
        operation.ended,
        account,
        f"told “{operation.verdict}” over {operation.node} with the password of generation "
        f"{operation.generation}, begun at {operation.began:.3f} s; true was “{'” or “'.join(truths)}”",
    )


def _silence(history: History) -> Iterator[Violation]:
    """Yields the logins that were told nothing although nothing was broken."""
    for login in history.logins:
        if login.is_calm and login.verdict not in _TELLING:
            yield Violation(
                login.ended, login.account, f"told “{login.verdict}” over {login.node} in a moment of calm"
            )


# Sessions -------------------------------------------------------------------------------------------

_ENDING = (Command.SUSPEND, Command.SUSPEND_SCHOOL, Command.END_SESSIONS, Command.RESET)


def _sessions_that_stay(
    sessions: Sequence[SessionSpan], changes: Sequence[Change], calms: Sequence[Calm]
) -> Iterator[Violation]:
    """Yields the sessions that were granted before a change that ends them and outlived the calm after it."""
    starts = [calm.began for calm in calms]
    for change in changes:
        place = bisect_left(starts, change.ended)
        if change.command not in _ENDING or not change.is_acknowledged or place == len(calms):
            continue
        for session in sessions:
            if session.granted < change.began and session.ended > calms[place].ended:
                yield Violation(
                    calms[place].ended,
                    session.account,
                    f"a session of {session.began:.3f} s over {session.node} lives on although "
                    f"“{change.command}” was acknowledged at {change.ended:.3f} s",
                )


def _sessions_cut_for_nothing(
    sessions: Sequence[SessionSpan], changes: Sequence[Change], history: History
) -> Iterator[Violation]:
    """Yields the sessions that the server ended, though no change and no fault of that Prosody explains it.

    A change ends sessions that began before that Prosody carried it out: at the latest in the calm after it.
    """
    for session in sessions:
        if not session.cut:
            continue
        carried_out = max(
            (calm.began for calm in history.calms if calm.ended <= session.began), default=float("-inf")
        )
        is_explained = any(
            change.command in _ENDING and change.began <= session.ended and change.ended >= carried_out
            for change in changes
        ) or any(
            fault.node == session.node and fault.began <= session.ended and fault.ended >= session.began
            for fault in history.faults
        )
        if not is_explained:
            yield Violation(
                session.ended,
                session.account,
                f"a session of {session.began:.3f} s over {session.node} was ended for nothing",
            )
