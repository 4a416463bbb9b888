"""Prosody's processor time for one remembered login, beside peers on Prosodys of their own.

``AUTHBRIDGE_FORMER`` may name a checkout of a former commit: its module is then measured in the same run,
with our line for the garbage collector and with the collector as it comes.
"""

import contextlib
import os
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from authbridge.schools.commands.organisers import IssuedCredential
from bench import runs
from bench.environment import DEAR, Environment
from bench.load_generator import Ended, Plan
from bench.peers import ACCEPTING, HASHED, MEMBERS, VERSIONS, HostedProsody
from bench.proc import processor_time
from bench.table import Row
from workbench import ROOT
from workbench.prosody import GENERATIONAL, external

_ROUNDS, _SECONDS = 4, 4.0
_PACE, _AT_ONCE = 60, 16
_PACED, _FULL = f"{_PACE}/s", f"{_AT_ONCE} at any time"
_OURS, _FORMER, _AS_IT_CAME = "ours", "former commit", "former commit, gc as it comes"
_MOST = {_FORMER: 0.75, _AS_IT_CAME: 0.4}  # times the former commit's


@dataclass(frozen=True, slots=True)
class _Peer:
    host: str
    credentials: Sequence[IssuedCredential] = field(hash=False)
    modules: Path = ROOT / "prosody_mod"
    gc: str = GENERATIONAL

    def plan(self, prosody: HostedProsody, mode: str) -> Plan:
        if mode == _PACED:
            starts = runs.evenly(int(_PACE * _SECONDS), _SECONDS)
            return runs.at_prosody(prosody, self.host, self.credentials, starts=starts)
        return runs.at_prosody(prosody, self.host, self.credentials, at_once=_AT_ONCE, seconds=_SECONDS)


@dataclass(slots=True)
class _Spent:
    processor: float = 0.0  # seconds
    logins: list[Ended] = field(default_factory=list)

    @property
    def of_login(self) -> float:
        return self.processor / len(self.logins)


async def measure(environment: Environment) -> list[Row]:
    """Each peer has a Prosody of its own, for the time is that of the whole process; they take turns."""
    service, ours = environment.services[DEAR], await environment.remembered()
    peers = {
        _OURS: _Peer(service.host, ours),
        "accepting provider": _Peer(ACCEPTING, MEMBERS),
        "internal_hashed": _Peer(HASHED, MEMBERS),
    }
    if former := os.environ.get("AUTHBRIDGE_FORMER"):
        modules = Path(former) / "prosody_mod"
        peers |= {
            _FORMER: _Peer(service.host, ours, modules),
            _AS_IT_CAME: _Peer(service.host, ours, modules, gc=""),
        }
    hosts = {service.host: external(service.url, service.token_file)}
    rows = []
    for version in VERSIONS:
        with contextlib.ExitStack() as running:
            prosodies = {}
            for number, (name, peer) in enumerate(peers.items()):
                prosodies[name] = HostedProsody.of(
                    version, hosts, name=f"processor-{number}", modules=peer.modules, gc=peer.gc
                )
                running.callback(prosodies[name].stop)
                prosodies[name].start()
            for mode in (_PACED, _FULL):
                rows += _rows(version, mode, await _take_turns(mode, peers, prosodies))
    return rows


async def _take_turns(
    mode: str, peers: Mapping[str, _Peer], prosodies: Mapping[str, HostedProsody]
) -> dict[str, _Spent]:
    source = random.Random(1)  # noqa: S311 - no secret
    spent: dict[str, _Spent] = defaultdict(_Spent)
    for _ in range(_ROUNDS):
        for name in source.sample(list(peers), k=len(peers)):
            prosody = prosodies[name]
            before = processor_time(prosody.pid)
            ended = await runs.run(peers[name].plan(prosody, mode))
            spent[name].processor += processor_time(prosody.pid) - before
            spent[name].logins += ended
            runs.require(ended, "success")
    return spent


def _rows(version: str, mode: str, spent: Mapping[str, _Spent]) -> list[Row]:
    ratios = {name: spent[_OURS].of_login / other.of_login for name, other in spent.items()}
    rows = []
    for name, each in spent.items():
        beside = (
            f"{each.of_login * 1000:.2f} ms of Prosody's, {len(each.logins) / (_ROUNDS * _SECONDS):.0f}/s"
        )
        target, met = "", None
        if name == _OURS:
            beside += "".join(f", ×{ratio:.2f} {other}" for other, ratio in ratios.items() if other != _OURS)
        elif name in _MOST:
            target, met = f"ours ≤ ×{_MOST[name]}", ratios[name] <= _MOST[name]
        figures = runs.figures_of(each.logins)
        rows.append(Row(f"processor: {name}, {mode}", version, figures, beside, target, met=met))
    return rows
