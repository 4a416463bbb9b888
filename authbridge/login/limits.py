"""Holds every number of the login policy; decides nothing.  Each is a setting, durations in seconds."""

from dataclasses import dataclass
from datetime import timedelta

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Counts are whole numbers, durations have at least a second."""

    pair_guesses: int = 5  # distinct wrong passwords of a name from one network …
    pair_window: timedelta = 15 * _MINUTE  # … within this, and the pair waits
    first_wait: timedelta = timedelta(seconds=30)  # doubled by each further failure, not where familiar
    longest_wait: timedelta = 15 * _MINUTE
    pair_quiet: timedelta = _HOUR  # without a failure, and the pair begins anew

    account_window: timedelta = _DAY
    account_alarm: int = 20  # failures in the window, and staff are alarmed
    account_outside: int = 50  # failures from networks neither known-good nor trusted
    account_failures: int = 100  # failures from everywhere; NIST SP 800-63B's ceiling

    network_window: timedelta = 15 * _MINUTE
    network_failures: int = 30  # distinct ones in the window …
    network_names: int = 8  # … over so many names: fewer are a family or a staff room
    network_wait: timedelta = 15 * _MINUTE
    network_spray: int = 20  # more names than this with failures in the window, and staff are alarmed
    trusted_alarm: int = 300  # distinct failures in the window from a school's own network

    overall_window: timedelta = _HOUR
    overall_alarm: int = 200  # more failures than this, and staff are alarmed
    alarm_pause: timedelta = _HOUR  # between two alarms about the same

    known_good: timedelta = 7 * _DAY  # since the last success of that name from that network
    remembered: timedelta = 7 * _DAY  # since the last use of a verified password
    remembered_entries: int = 50_000
    repeated: timedelta = _DAY  # since a wrong password was found wrong
    repeated_entries: int = 50_000
