"""What goes on at a Prosody while a bystander pings it, each beside as many logins that are accepted."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from authbridge.schools.commands.organisers import IssuedCredential
from bench import attack, bell, runs
from bench.environment import CHEAP, DEAR, USUAL, Environment
from bench.load_generator import Plan
from bench.peers import ACCEPTING, CROWD, MEMBER, MEMBERS, SLOW, VERSIONS, HostedProsody, HostedService

LONGEST = 60.0  # seconds for which there are logins; no slice takes as long
_WAITING = 50  # logins at any time
_TURN = 2.0  # seconds; what the slow service takes
_LATER = "temporary-auth-failure"
_COLD_PERIODS = {USUAL: 11.0, DEAR: 20.0}  # seconds from one cold bell to the next


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of logins: ``versions`` of Prosody that meet it, ``conditions`` with which they may end."""

    words: str
    plan: Callable[[HostedProsody], Plan]
    conditions: tuple[str, ...]
    versions: tuple[str, ...] = VERSIONS
    trouble: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    slices: int = 2  # taken in turn with the others', so that noise hits all alike


@dataclass(frozen=True, slots=True)
class BackgroundLoad:
    """How often logins come, and what becomes of them; the first of the cases is the peer of the others."""

    cases: tuple[Case, ...]
    pings: int = 10_020  # of a case, over all transports and slices
    settles: float = 1.0  # seconds, until as many logins wait as ever will
    promised: bool = True
    versions: tuple[str, ...] = VERSIONS


def of(environment: Environment, remembered: list[IssuedCredential]) -> list[BackgroundLoad]:
    """All of them."""
    often = runs.evenly(_WAITING, _TURN, period=_TURN, until=LONGEST)
    bells = runs.evenly(CROWD, bell.SECONDS, period=bell.SECONDS, until=LONGEST)
    guesses = runs.evenly(attack.RATE, 1.0, period=1.0, until=LONGEST)
    at_once = runs.evenly(_WAITING, 0.0, period=_TURN, until=LONGEST)
    dear, cheap = environment.services[DEAR], environment.services[CHEAP]
    victims = remembered[: attack.VICTIMS]
    return [
        BackgroundLoad(
            (_accepted("25/s", often), _waiting(f"{_WAITING} logins waiting, 25/s", often)),
            settles=_TURN + 0.5,
        ),
        BackgroundLoad(
            (
                _accepted("60/s", bells),
                Case(
                    "bells, remembered, 60/s",
                    lambda prosody: runs.at_prosody(prosody, dear.host, remembered, starts=bells),
                    ("success",),
                ),
                _cold_bell(environment.services[USUAL], ("success",)),
                _cold_bell(dear, ("success", _LATER)),
                _faulty("frozen", cheap, bells, lambda: _frozen(cheap)),
                _faulty("dead", cheap, bells, lambda: _dead(cheap)),
            )
        ),
        BackgroundLoad(
            (
                _accepted(f"{attack.RATE}/s", guesses),
                Case(
                    f"wrong guesses, bcrypt cost {DEAR}, {attack.RATE}/s",
                    lambda prosody: runs.at_prosody(
                        prosody, dear.host, attack.guesses(victims, len(guesses)), starts=guesses
                    ),
                    ("not-authorized", _LATER),
                ),
            ),
            versions=VERSIONS[:1],
        ),
        BackgroundLoad(
            (
                _accepted(f"{_WAITING} at once", at_once, slices=1),
                _waiting(f"{_WAITING} logins waiting, all at once", at_once, slices=1),
            ),
            pings=3_030,
            promised=False,
        ),
    ]


def _accepted(words: str, starts: list[float], *, slices: int = 2) -> Case:
    return Case(
        f"logins accepted, {words}",
        lambda prosody: runs.at_prosody(prosody, ACCEPTING, MEMBERS, starts=starts),
        ("success",),
        slices=slices,
    )


def _waiting(words: str, starts: list[float], *, slices: int = 2) -> Case:
    return Case(
        words,
        lambda prosody: runs.at_prosody(prosody, SLOW, [MEMBER], starts=starts),
        ("not-authorized",),
        slices=slices,
    )


def _cold_bell(service: HostedService, conditions: tuple[str, ...]) -> Case:
    period = _COLD_PERIODS[service.bcrypt_cost]
    starts = runs.evenly(CROWD, bell.SECONDS, period=period, until=LONGEST)
    return Case(
        f"bell, cold, bcrypt cost {service.bcrypt_cost}",
        lambda prosody: runs.at_prosody(prosody, service.host, service.issue(len(starts)), starts=starts),
        conditions,
        versions=VERSIONS[:1],
    )


def _faulty(
    words: str,
    service: HostedService,
    starts: list[float],
    trouble: Callable[[], AbstractContextManager[None]],
) -> Case:
    return Case(
        f"service {words}, 60/s",
        lambda prosody: runs.at_prosody(prosody, service.host, MEMBERS, starts=starts),
        (_LATER,),
        versions=VERSIONS[:1],
        trouble=trouble,
        slices=1,  # what waits piles up meanwhile
    )


@contextlib.contextmanager
def _frozen(service: HostedService) -> Iterator[None]:
    """Accepts connections, as the system does for it, and says nothing."""
    service.process.signal(signal.SIGSTOP)
    yield
    service.kill()  # continued, it would answer hundreds for whom nobody waits any more
    service.start()


@contextlib.contextmanager
def _dead(service: HostedService) -> Iterator[None]:
    service.kill()
    yield
    service.start()
