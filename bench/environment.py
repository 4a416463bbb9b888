"""All that runs during the benchmarks: two Prosodys, our services, their stand-ins."""

import contextlib
import itertools
import os
from dataclasses import dataclass, field

from authbridge.schools.commands.organisers import IssuedCredential
from bench import runs
from bench.baselines import ObviousService, SlowService
from bench.peers import CROWD, FOLDER, OBVIOUS, SLOW, VERSIONS, HostedProsody, HostedService
from workbench.postgres import Postgres
from workbench.prosody import external

CHEAP, USUAL, DEAR = 4, 10, 12  # of bcrypt: its least, ours for generated passwords, that for chosen ones


@dataclass
class Environment:
    """What is running, by Prosody's version and by bcrypt's cost."""

    prosodies: dict[str, HostedProsody]
    services: dict[int, HostedService]
    on_postgres: HostedService
    obvious: ObviousService
    honest: dict[tuple[bool, bool], HostedService]  # remembering, and with an address that counts
    _remembered: list[IssuedCredential] = field(default_factory=list)

    async def remembered(self) -> list[IssuedCredential]:
        """A crowd that has logged in before, at the service with the dear hash."""
        if not self._remembered:
            print("  logging a crowd in that is to be remembered …", flush=True)
            service = self.services[DEAR]
            crowd = list(service.issue(CROWD))
            ended = await runs.run(runs.at_service(service, crowd, at_once=os.cpu_count() or 1))
            runs.require(ended, "granted")
            self._remembered = crowd
        return self._remembered


def start(running: contextlib.ExitStack) -> Environment:
    """Starts everything; ``running`` ends it."""
    slow, obvious = SlowService(), ObviousService((USUAL, DEAR))
    for stand_in in (slow, obvious):
        running.callback(stand_in.stop)
        stand_in.start()
    postgres = Postgres(FOLDER / "postgres")
    running.callback(postgres.stop)
    postgres.start()
    services = {
        cost: HostedService.of(f"cost{cost}", cost, supervised=cost == DEAR) for cost in (CHEAP, USUAL, DEAR)
    }
    on_postgres = HostedService.of("postgres", CHEAP, postgres.create_database())
    for service in (*services.values(), on_postgres):
        service.create_database()
        running.callback(service.stop)
        service.start()
    honest = {}
    for remember, vouched in itertools.product((True, False), repeat=2):
        name = f"honest-{'remembering' if remember else 'forgetful'}-{'known' if vouched else 'unknown'}"
        settings = {"REMEMBER_CREDENTIALS": "yes" if remember else "no"}
        service = HostedService.of(name, DEAR, settings=settings)
        service.create_database()
        running.callback(service.stop)
        service.start()
        honest[remember, vouched] = service
    hosts = {service.host: external(service.url, service.token_file) for service in services.values()}
    hosts |= {on_postgres.host: external(on_postgres.url, on_postgres.token_file)}
    for (_, vouched), service in honest.items():
        options = {"external_auth_proxy_overwrites_address": vouched}
        hosts[service.host] = external(service.url, service.token_file, **options)
    hosts |= {SLOW: slow.options, OBVIOUS: obvious.options}
    prosodies = {version: HostedProsody.of(version, hosts) for version in VERSIONS}
    for prosody in prosodies.values():
        running.callback(prosody.stop)
        prosody.start()
    return Environment(prosodies, services, on_postgres, obvious, honest)
