"""Those who log in and those who change accounts, as long as the run lasts; they write down what they saw."""

import asyncio
import contextlib
import csv
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field

import aiohttp

from bench.visitor import form_in
from tests.support.fire.clerks import Clerk
from tests.support.fire.history import Change, Command, History, Login, SessionSpan, Verdict
from tests.support.fire.world import Holder, World
from tests.support.login_server import TRANSPORTS, make_client
from workbench import ROOT
from workbench.processes import PATIENCE
from workbench.prosody import Prosody
from workbench.xmpp import Client, ConnectionEndedError

_VERDICTS = {
    "success": Verdict.GRANTED,
    "account-disabled": Verdict.SUSPENDED,
    "not-authorized": Verdict.REFUSED,
    "temporary-auth-failure": Verdict.UNAVAILABLE,
}
_NO_ANSWER = (OSError, ConnectionEndedError, TimeoutError, aiohttp.ClientError)
_SETTLED = 5.0  # seconds after somebody was told nothing in which a command may still be done
_SUSPENDED = 0.4  # of those whom a clerk looks at, for most shall have sessions that can be ended
_MOST_WRONG = 30  # logins with a wrong password for an account: 50 in a day would lock it for a day
_WRONG = "bcdf-ghjk-mnpr"


@dataclass
class Run:
    """One run: its world, its clock, its chance, and the history that everybody writes."""

    world: World
    chance: random.Random
    history: History
    started: float = field(default_factory=time.monotonic)
    sessions: set[asyncio.Task[None]] = field(default_factory=set)
    is_over: bool = False
    wrong: dict[int, int] = field(default_factory=dict)  # account -> logins with a wrong password

    def now(self) -> float:
        """Returns the seconds since the run began."""
        return time.monotonic() - self.started

    # Logins -----------------------------------------------------------------------------------------

    async def keep_logging_in(self) -> None:
        """Logs one after the other in, over any Prosody and transport, mostly with the right password."""
        while not self.is_over:
            holder = self.chance.choice(self.world.holders)
            generation, password = self._typed(holder)
            await self.log_in(holder, self.chance.choice(self.world.prosodys), generation, password)
            await asyncio.sleep(self.chance.uniform(0.02, 0.3))

    def _typed(self, holder: Holder) -> tuple[int, str]:
        if self.chance.random() > 0.05 or self.wrong.get(holder.number, 0) >= _MOST_WRONG:
            return holder.known
        self.wrong[holder.number] = self.wrong.get(holder.number, 0) + 1
        older = [(place, each) for place, each in enumerate(holder.passwords[:-1], 1) if each is not None]
        return self.chance.choice(older) if older else (0, _WRONG)

    async def log_in(self, holder: Holder, prosody: Prosody, generation: int, password: str) -> Login:
        """Logs in once and writes down what came of it; a session lives on for a while."""
        began = self.now()
        verdict = Verdict.NOTHING
        async with contextlib.AsyncExitStack() as connection:
            with contextlib.suppress(*_NO_ANSWER):
                async with asyncio.timeout(PATIENCE):
                    client = make_client(prosody, self.chance.choice(TRANSPORTS))
                    await connection.enter_async_context(client)
                    verdict = _VERDICTS[(await client.login(holder.username, password)).condition]
            login = Login(holder.number, prosody.version, generation, began, self.now(), verdict)
            self.history.add(login)
            if verdict is Verdict.GRANTED:
                session = asyncio.create_task(self._stay(client, connection.pop_all(), login))
                self.sessions.add(session)
                session.add_done_callback(self.sessions.discard)
        return login

    async def _stay(self, client: Client, connection: contextlib.AsyncExitStack, login: Login) -> None:
        cut = True
        async with connection:
            try:
                async with asyncio.timeout(self.chance.uniform(2, 25)):
                    await client.bind()
                    await client.await_end()
            except (TimeoutError, asyncio.CancelledError):
                cut = False
            except _NO_ANSWER:
                pass
            self.history.add(
                SessionSpan(login.account, login.node, login.began, login.ended, self.now(), cut)
            )
            if not cut:  # as a page does that is closed; else Prosody 13 keeps what was held
                with contextlib.suppress(*_NO_ANSWER):
                    async with asyncio.timeout(1):
                        await client.say_goodbye()

    async def end_sessions(self) -> None:
        """Everybody leaves."""
        await asyncio.sleep(0)  # a task that is cancelled before it begins would close nothing
        for session in list(self.sessions):
            session.cancel()
        await asyncio.gather(*self.sessions, return_exceptions=True)

    # Commands ---------------------------------------------------------------------------------------

    async def keep_changing(self, clerk: Clerk, school: str) -> None:
        """Suspends, reinstates, logs out and resets at that school, as its only clerk."""
        holders = [each for each in self.world.holders if each.school == school]
        while not self.is_over:
            holder = self.chance.choice(holders)
            dice = self.chance.random()
            if dice < 0.1:
                await self._press(clerk, holders, f"/schools/{school}")
            elif dice < 0.2:
                await self._reset(holder)
            elif dice < 0.4:
                await self._press(clerk, [holder], f"/organisers/{holder.username}", "end-sessions")
            else:
                await self._press(clerk, [holder], f"/organisers/{holder.username}")
            await asyncio.sleep(self.chance.uniform(0.1, 0.8))

    async def _press(self, clerk: Clerk, holders: list[Holder], page: str, action: str | None = None) -> None:
        """Presses that button, or whichever of “Suspend” and “Reinstate” the page has."""
        with contextlib.suppress(OSError, RuntimeError):
            await asyncio.to_thread(clerk.sign_in_if_wanted)
            shown = await asyncio.to_thread(clerk.browser.get, page)
            action = action or ("suspend" if f'action="{page}/suspend"' in shown else "reinstate")
            if action == "suspend" and self.chance.random() > _SUSPENDED:
                return
            form = form_in(shown, f"{page}/{action}")
            began, is_acknowledged = self.now(), False
            try:
                await asyncio.to_thread(clerk.browser.post, f"{page}/{action}", form)
                is_acknowledged = True
            finally:
                ended = self.now() + (0 if is_acknowledged else _SETTLED)
                for each in holders:
                    self.history.add(
                        Change(each.number, _command(page, action), began, ended, is_acknowledged)
                    )

    async def _reset(self, holder: Holder) -> None:
        """Gives a new password at the command line; now and then that is killed."""
        holder.passwords.append(None)
        generation, began, password = len(holder.passwords), self.now(), None
        with contextlib.suppress(subprocess.TimeoutExpired, StopIteration, KeyError):
            printed = await asyncio.to_thread(self._run, "organiser", "reset", holder.username)
            password = next(csv.DictReader(printed.splitlines()))["password"]
        ended = self.now() + (_SETTLED if password is None else 0)
        self.history.add(Change(holder.number, Command.RESET, began, ended, password is not None, generation))
        holder.passwords[generation - 1] = password

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-m", "authbridge", *arguments],
            env={**os.environ, **self.world.office.environ, "LC_ALL": "C.UTF-8"},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=PATIENCE if self.chance.random() > 0.2 else self.chance.uniform(0.5, 2),
        )
        # What it prints counts only if it says so: passwords are written before they are in force.
        return done.stdout if done.returncode == 0 else ""


def _command(page: str, action: str) -> Command:
    if action == "end-sessions":
        return Command.END_SESSIONS
    return Command(f"{action} school" if page.startswith("/schools/") else action)
