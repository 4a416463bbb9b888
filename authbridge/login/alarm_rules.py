"""Decides which alarms a failed login raises for staff, about whom, and how often: values in, values out.

Never does I/O, never reads a clock.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from authbridge.login.failure_history import FailureCounts, Network, SignInStep
from authbridge.login.limits import Limits
from authbridge.login.policy import must_network_wait


class Alarm(StrEnum):
    """The events of guessing that staff hear of: ``subject:what-happened``, as in the audit."""

    ACCOUNT_GUESSED = "organiser:guessed"
    ACCOUNT_FULL = "organiser:locked"
    STAFF_GUESSED = "staff:guessed"
    STAFF_FULL = "staff:locked"
    CODE_REFUSED = "staff:code-refused"
    NETWORK_WAITS = "network:locked"
    NETWORK_SPRAYS = "network:sprays"
    TRUSTED_NETWORK = "network:guesses"
    OVERALL = "service:guessed"
    REPORT_CODES = "report-code:guessed"


ALARMS_OF_ORGANISER = (Alarm.ACCOUNT_GUESSED, Alarm.ACCOUNT_FULL)
ALARMS_OF_STAFF = (Alarm.STAFF_GUESSED, Alarm.STAFF_FULL, Alarm.CODE_REFUSED)
ALARMS_OF_ACCOUNT = (*ALARMS_OF_ORGANISER, *ALARMS_OF_STAFF)

DueAlarm = tuple[Alarm, str]  # and its subject
LastRaised = Callable[[Alarm, str], datetime | None]


def due_alarms(
    counts: FailureCounts,
    network: Network,
    account_name: str | None,
    last_raised: LastRaised,
    at: datetime,
    limits: Limits,
) -> list[DueAlarm]:
    """Returns the alarms after a failure, each with its subject, without those raised within their pause.

    ``account_name`` is None for unknown usernames: they raise no account alarm.
    """
    raised = [
        (alarm, subject_of(alarm, account_name, network)) for alarm in alarms_after(counts, network, limits)
    ]
    return [
        (alarm, subject)
        for alarm, subject in raised
        if subject is not None and _is_due(alarm, last_raised(alarm, subject), at, limits)
    ]


def alarms_after(counts: FailureCounts, network: Network, limits: Limits) -> Iterator[Alarm]:
    """Yields the alarms that these counts call for, whether or not staff have heard of them."""
    if counts.sign_in_step is None:
        yield from _alarms_of_organiser(counts, limits)
    else:
        yield from _alarms_of_staff(counts, counts.sign_in_step, limits)
    if network.trusted:
        if counts.network_failures >= limits.trusted_alarm:
            yield Alarm.TRUSTED_NETWORK
    elif must_network_wait(counts.network_failures, counts.network_names, limits):
        yield Alarm.NETWORK_WAITS
    if counts.network_names > limits.network_spray:
        yield Alarm.NETWORK_SPRAYS
    if counts.overall > limits.overall_alarm:
        yield Alarm.OVERALL


def _alarms_of_organiser(counts: FailureCounts, limits: Limits) -> Iterator[Alarm]:
    if counts.account >= limits.account_alarm:
        yield Alarm.ACCOUNT_GUESSED
    if counts.account >= limits.account_failures:
        yield Alarm.ACCOUNT_FULL


def _alarms_of_staff(counts: FailureCounts, sign_in_step: SignInStep, limits: Limits) -> Iterator[Alarm]:
    if sign_in_step is SignInStep.CODE:
        yield Alarm.CODE_REFUSED  # after the right password: perhaps somebody else has it
    # Staff are few and may do much: their first wait is an alarm already.
    if counts.account >= limits.pair_guesses:
        yield Alarm.STAFF_GUESSED
    if counts.account >= limits.account_failures and sign_in_step is not SignInStep.INVITATION:
        yield Alarm.STAFF_FULL


def subject_of(alarm: Alarm, account_name: str | None, network: Network) -> str | None:
    """Returns the subject of the alarm as the audit names it; None for the account of an unknown username."""
    match alarm.partition(":")[0]:
        case "organiser" | "staff":
            return account_name
        case "network":
            return network.key
        case subject:
            return subject


def pause_after(alarm: Alarm, limits: Limits) -> timedelta:
    """Returns how long the same alarm is not raised again; those about an account count its whole window."""
    return limits.account_window if alarm in ALARMS_OF_ACCOUNT else limits.alarm_pause


def _is_due(alarm: Alarm, last_raised: datetime | None, at: datetime, limits: Limits) -> bool:
    return last_raised is None or at - last_raised >= pause_after(alarm, limits)
