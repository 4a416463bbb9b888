"""What the login policy says of staff, where it differs from organisers."""

from datetime import timedelta

import pytest

from authbridge.login.alarm_rules import Alarm, alarms_after, pause_after, subject_of
from authbridge.login.failure_history import Failure, FailureCounts, FailureHistory, Network, SignInStep
from authbridge.login.limits import Limits
from authbridge.login.networks import device_network, panel_network_of, parse_address, split_panel
from authbridge.login.policy import Reason, Verdict, judge_staff, throttle
from tests.support.fakes import MORNING

LIMITS = Limits()
CAFE = Network("panel 203.0.113.9")


@pytest.mark.parametrize(
    ("is_proven", "suspended", "verdict", "reason"),
    [
        pytest.param(True, False, Verdict.GRANTED, Reason.IN_ORDER, id="in order"),
        pytest.param(True, True, Verdict.SUSPENDED, Reason.STAFF_SUSPENDED, id="suspended"),
        pytest.param(False, False, Verdict.REFUSED, Reason.WRONG_PASSWORD, id="wrong"),
        pytest.param(False, True, Verdict.REFUSED, Reason.WRONG_PASSWORD, id="wrong and suspended"),
    ],
)
def test_only_who_has_the_password_learns_the_state(
    *, is_proven: bool, suspended: bool, verdict: Verdict, reason: Reason
) -> None:
    """As of organisers."""
    decision = judge_staff(is_proven=is_proven, suspended=suspended)
    assert (decision.verdict, decision.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("failures", "alarms"),
    [
        pytest.param(4, [], id="four"),
        pytest.param(5, [Alarm.STAFF_GUESSED], id="the first wait"),
        pytest.param(99, [Alarm.STAFF_GUESSED], id="ninety-nine"),
        pytest.param(100, [Alarm.STAFF_GUESSED, Alarm.STAFF_FULL], id="nothing is hashed any more"),
    ],
)
def test_of_staff_it_is_told_early(failures: int, alarms: list[Alarm]) -> None:
    """When the first wait starts, and once a day; the subject is the name."""
    counts = FailureCounts(
        failures, network_failures=0, network_names=0, overall=0, sign_in_step=SignInStep.PASSWORD
    )

    assert list(alarms_after(counts, CAFE, LIMITS)) == alarms
    for alarm in alarms:
        assert subject_of(alarm, "anna", CAFE) == "anna"
        assert pause_after(alarm, LIMITS).days == 1


@pytest.mark.parametrize(
    ("sign_in_step", "alarms"),
    [
        pytest.param(SignInStep.PASSWORD, [Alarm.STAFF_GUESSED, Alarm.STAFF_FULL], id="password"),
        pytest.param(SignInStep.CODE, [Alarm.CODE_REFUSED, Alarm.STAFF_GUESSED, Alarm.STAFF_FULL], id="code"),
        pytest.param(
            SignInStep.INVITATION, [Alarm.STAFF_GUESSED], id="invitation: it never waits for strangers"
        ),
    ],
)
def test_what_is_told_of_each_door(sign_in_step: SignInStep, alarms: list[Alarm]) -> None:
    """Whoever is asked for a code has shown the password."""
    counts = FailureCounts(100, network_failures=0, network_names=0, overall=0, sign_in_step=sign_in_step)
    assert list(alarms_after(counts, CAFE, LIMITS)) == alarms
    assert {pause_after(alarm, LIMITS).days for alarm in alarms} == {1}


@pytest.mark.parametrize(
    ("sign_in_step", "network", "reason"),
    [
        pytest.param(SignInStep.PASSWORD, CAFE, Reason.ACCOUNT_WAITS, id="password"),
        pytest.param(SignInStep.CODE, CAFE, Reason.ACCOUNT_WAITS, id="code"),
        pytest.param(SignInStep.INVITATION, CAFE, None, id="invitation"),
        pytest.param(SignInStep.PASSWORD, device_network("0a"), None, id="known device"),
    ],
)
@pytest.mark.parametrize("times", [50, 99])
def test_what_strangers_can_do_to_an_account(
    sign_in_step: SignInStep, network: Network, reason: Reason | None, times: int
) -> None:
    """Fifty guesses from elsewhere in a day."""
    failure = Failure(
        MORNING, "panel 198.51.100.7", from_unfamiliar_network=True, fingerprint=1, wait=timedelta(minutes=15)
    )
    history = FailureHistory(
        network, known_good=network.is_device, failures=[failure] * times, sign_in_step=sign_in_step
    )

    decision = throttle(history, MORNING, LIMITS)

    assert (None if decision is None else decision.reason) is reason


@pytest.mark.parametrize(
    ("ip", "key"),
    [
        pytest.param("198.51.100.7", "panel 198.51.100.7", id="IPv4"),
        pytest.param("2001:db8:12:34:5::6", "panel 2001:db8:12:34::/64", id="IPv6"),
        pytest.param("127.0.0.1", None, id="loopback"),
        pytest.param(None, None, id="unknown"),
    ],
)
def test_a_network_at_the_panel_is_another_one(ip: str | None, key: str | None) -> None:
    """Its key fits the column, and the list shows it as people write it."""
    network = panel_network_of(parse_address(ip))

    assert network == Network(key)
    assert len(key or "") <= 64
    assert split_panel(key) == (None if key is None else key.removeprefix("panel "), key is not None)
    assert split_panel("198.51.100.7") == ("198.51.100.7", False)


def test_a_device_is_a_network_of_its_own() -> None:
    """Which has no address that a list could show."""
    network = device_network("0123456789abcdef" * 2)
    assert network.is_device
    assert not network.trusted
    assert len(network.key or "") <= 64
    assert split_panel(network.key) == (None, True)
