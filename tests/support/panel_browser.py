"""Runs the real panel with its staff, and uses it through a browser as a person does."""

import base64
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pypdf
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from sqlalchemy import Update, select, update

from admin.session.cookies import SESSION_COOKIE
from authbridge.config import read_config
from authbridge.staff.sign_in import SignInServices, sign_in_services_of
from authbridge.storage.database import Database
from authbridge.storage.models import Role, Staff, StaffSession
from tests.support.chromium import PATIENCE
from workbench.panel import Panel
from workbench.service import Service
from workbench.staff import Member, enrol_member

_FETCH = """
const [path, done] = arguments;
fetch(path).then(async (answer) => {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  done([answer.status, answer.headers.get("Content-Type"), btoa(text)]);
});
"""

_PATIENT = 3000  # milliseconds; a page with scripts comes anew after one second

# One question for finding and reading: what a first one found may be replaced before the second.
_TEXT = """
const [selector, words] = arguments;
const found = [...document.querySelectorAll(selector)].find((each) => each.innerText.includes(words));
return found.innerText.replace(/[\\t\\u00a0]/g, " ");
"""


@dataclass(frozen=True, slots=True)
class PanelServer:
    """A panel that runs, beside a service that may run, over a database of their own."""

    service: Service
    panel: Panel
    services: SignInServices

    @property
    def database(self) -> Database:
        """Returns the database of both."""
        return self.services.database

    def enrol(self, role: Role) -> Member:
        """Adds a member of staff who can sign in, under a new name."""
        return enrol_member(self.services, f"{role}-{secrets.token_hex(3)}", role)

    def leave_idle(self, member: Member, duration: timedelta) -> None:
        """Lets their session look as if nothing had been heard of it for so long."""
        with self.database.write_session() as session:
            session.execute(_sessions_of(member).values(seen_at=datetime.now(UTC) - duration))

    def renew_factor(self, member: Member) -> None:
        """Lets their second factor look as if shown just now: it holds for ten minutes only."""
        with self.database.write_session() as session:
            session.execute(_sessions_of(member).values(factor_at=datetime.now(UTC)))

    def leave_factor(self, member: Member, duration: timedelta) -> None:
        """Lets their second factor look as if it had been shown so long ago."""
        with self.database.write_session() as session:
            session.execute(_sessions_of(member).values(factor_at=datetime.now(UTC) - duration))

    def renew_code(self, member: Member) -> None:
        """Lets the code of this half minute count once more: nobody has to wait for the next one."""
        with self.database.write_session() as session:
            session.execute(update(Staff).where(Staff.name == member.name).values(factor_step=None))

    def idle_time(self, member: Member) -> timedelta:
        """Returns how long nothing has been heard of their session."""
        with self.database.read_session() as session:
            query = select(StaffSession.seen_at).join(Staff).where(Staff.name == member.name)
            return datetime.now(UTC) - max(session.scalars(query))


def _sessions_of(member: Member) -> Update:
    owner = select(Staff.id).where(Staff.name == member.name).scalar_subquery()
    return update(StaffSession).where(StaffSession.staff_id == owner)


@contextlib.contextmanager
def open_panel_server(
    folder: Path, template: Path, *, bcrypt_cost: int = 4, host: str = "127.0.0.1", public_url: str = ""
) -> Iterator[PanelServer]:
    """Starts the panel in that folder over a copy of the SQLite file ``template``; the service rests yet.

    ``public_url`` is the address at which nginx stands before it, "" for none.
    """
    service = Service(folder, bcrypt_cost=bcrypt_cost)
    shutil.copy(template, folder / "authbridge.db")
    panel = Panel(service, host=host, public_url=public_url)
    config = read_config(panel.environ)
    database = Database(config.database_url)
    with contextlib.ExitStack() as running:
        running.callback(database.engine.dispose)
        running.callback(service.stop)
        running.callback(panel.stop)
        panel.start()
        yield PanelServer(service, panel, sign_in_services_of(config, database))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the panel sent for an address."""

    status: int
    kind: str
    content: bytes

    @property
    def paper(self) -> list[str]:
        """Returns the text on each page of a PDF."""
        return [page.extract_text() for page in pypdf.PdfReader(BytesIO(self.content)).pages]


@dataclass(frozen=True, slots=True)
class PanelBrowser:
    """A browser before the panel, used as a person uses it: by the words on the page."""

    browser: Chrome
    url: str

    @property
    def path(self) -> str:
        """Returns the path that the browser shows."""
        return self.browser.current_url.removeprefix(self.url)

    @property
    def status(self) -> int:
        """Returns the HTTP status with which the page came."""
        status: int = self.browser.execute_script(
            "return performance.getEntriesByType('navigation')[0].responseStatus;"
        )
        return status

    @property
    def title(self) -> str:
        """Returns the heading."""
        return self.text_of("h1")

    @property
    def text(self) -> str:
        """Returns the text below the head of the page."""
        return self.text_of("main")

    def open(self, path: str) -> None:
        """Opens that path."""
        self.browser.get(f"{self.url}{path}")

    def field(self, label: str) -> WebElement:
        """Returns the field of that label, which may go on with a note."""
        wanted = f'//label[normalize-space()="{label}" or starts-with(normalize-space(), "{label} (")]'
        found = self.browser.find_element(By.XPATH, wanted)
        return self.browser.find_element(By.ID, found.get_attribute("for") or "")

    def type(self, label: str, text: str) -> None:
        """Replaces the content of the field of that label."""
        _type(self.field(label), text)

    def fill(self, **texts: str) -> None:
        """Likewise fields by their names in the form, whatever their labels say."""
        for name, text in texts.items():
            _type(self.browser.find_element(By.NAME, name), text)

    def send_file(self, name: str, content: bytes) -> None:
        """Chooses a file with that content in the field of that name, and sends the form."""
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            file.write(content)
            file.flush()
            self.browser.find_element(By.NAME, name).send_keys(file.name)
            self.send()

    def choose(self, label: str) -> None:
        """Chooses one of several."""
        self.field(label).click()

    def press(self, words: str, *, beside: str | None = None) -> None:
        """Presses a button or link that leads on; ``beside`` is a text in its row of a table."""
        row = "" if beside is None else f'//tr[contains(., "{beside}")]'
        said = f'[normalize-space()="{words}" or starts-with(normalize-space(), "{words} ")]'
        found = self.browser.find_elements(By.XPATH, f"{row}//button{said}|{row}//a{said}")
        with self.next_page():
            next(each for each in found if each.is_displayed()).click()

    def send(self) -> None:
        """Presses the button of the form on the page."""
        with self.next_page():
            self.browser.find_element(By.CSS_SELECTOR, "main form.form button[type=submit]").click()

    @contextlib.contextmanager
    def next_page(self) -> Iterator[None]:
        """Waits at its end for the page to which the wrapped action leads."""
        old = self._page_and_state()[0]
        yield

        def is_there() -> bool:
            page, state = self._page_and_state()
            return page != old and state == "complete"

        self.await_that(is_there)

    def _page_and_state(self) -> tuple[float, str]:
        page, state = self.browser.execute_script("return [performance.timeOrigin, document.readyState];")
        return page, state

    def row(self, words: str) -> str:
        """Returns the text of the table's row in which these words stand."""
        return self.text_of("tr", words)

    def text_of(self, selector: str, words: str = "") -> str:
        """Returns the text of the first element that matches and holds these words."""
        text: str = self.browser.execute_script(_TEXT, selector, words)
        return text

    def fetch(self, path: str) -> Answer:
        """Returns the answer for a path, as this browser with its cookies gets it."""
        status, kind, content = self.browser.execute_async_script(_FETCH, path)
        return Answer(status, kind, base64.b64decode(content))

    def sign_in(self, member: Member, code: str | None = None) -> None:
        """Both steps; ``code`` is a recovery code in place of the authenticator's."""
        self.forget_session()
        self.open("/sign-in")
        self.fill(name=member.name, password=member.password)
        self.send()
        self.fill(code=code or member.code_at(datetime.now(UTC)))
        self.send()
        assert "/sign-in" not in self.path, self.text

    def forget_session(self) -> None:
        """Loses the cookie, on a page that asks for nothing: an answer under way would bring it back."""
        self.browser.get("about:blank")
        self.browser.execute_cdp_cmd("Network.deleteCookies", {"name": SESSION_COOKIE, "url": self.url})

    def await_text(self, words: str, *, is_there: bool = True) -> None:
        """Returns once the words stand on the page, or no longer do."""
        self.await_that(lambda: (words in self.text_of("body")) is is_there)

    def await_issued(self, words: str) -> None:
        """Likewise on the page of an order; who has no scripts looks again now and then."""

        def is_there() -> bool:
            if self.browser.execute_script(f"return performance.now() > {_PATIENT};"):
                self.open(self.path)
            return words in self.text

        self.await_that(is_there)

    def await_element(self, selector: str) -> None:
        """Returns once it is on the page."""
        self.await_that(lambda: self.browser.find_elements(By.CSS_SELECTOR, selector))

    def await_that(self, is_so: Callable[[], object]) -> None:
        """Returns once that answers with something true; the page may be replaced meanwhile.

        Between two pages a question meets neither, or an element of the one that goes: then it is asked anew.
        """
        WebDriverWait(self.browser, PATIENCE, 0.05, [WebDriverException]).until(lambda _: is_so())

    def run_scripts(self, *, are_on: bool) -> None:
        """Lets pages run scripts from now on, or not."""
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not are_on})
        self.browser.get("data:text/html,<title>off</title><script>document.title = 'on'</script>")
        assert self.browser.title == ("on" if are_on else "off")


def _type(field: WebElement, text: str) -> None:
    field.clear()
    field.send_keys(text)
