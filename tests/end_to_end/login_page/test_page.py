"""The login page by HTTP: what an organiser reads, how they come back, what an attacker gets."""

import json
import re
import secrets
from http.client import HTTPConnection
from itertools import islice
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import Tag

from authbridge.login.policy import Verdict
from tests.support.asking import wrong_passwords_at
from tests.support.login_page import ACCESS, MEETING, OPERATOR, TELEPHONE, LoginPageServer, Sent, path_of
from workbench.prosody import HOST

ADDRESS = "203.0.113.9"

GERMAN = {
    Verdict.REFUSED: "Anmeldename oder Passwort stimmt nicht.",
    Verdict.SUSPENDED: "Dieser Zugang ist gesperrt.",
    Verdict.EXPIRED: "Dieser Zugang ist abgelaufen.",
}
ENGLISH = {
    Verdict.REFUSED: "Login name or password is wrong.",
    Verdict.SUSPENDED: "This access is suspended.",
    Verdict.EXPIRED: "This access has expired.",
}


def ask_service(server: LoginPageServer, path: str, **question: object) -> dict[str, object]:
    """Asks the service as Prosody's module does."""
    asked = {"request_id": "q-1", "host": HOST, "node": "node-a", "transport": "bosh", "within": 15}
    connection = HTTPConnection("127.0.0.1", server.service.port, timeout=60)
    token = server.service.token_file.read_text()
    body = json.dumps(asked | {"ip": None, "user_agent": None} | question)
    connection.request("POST", path, body, {"Authorization": f"Bearer {token}"})
    answer: dict[str, object] = json.load(connection.getresponse())
    connection.close()
    return answer


def token_of(sent: Sent) -> str:
    """The token in the fragment, where Jitsi's page looks for it."""
    pairs = dict(part.split("=") for part in urlsplit(sent.headers["Location"]).fragment.split("&"))
    token: str = json.loads(unquote(pairs["jwt"]))
    return token


def field(sent: Sent, name: str) -> Tag:
    """The field of that name."""
    found = sent.html.find("input", {"name": name})
    assert isinstance(found, Tag)
    return found


def test_the_form_is_made_for_people_and_for_password_managers(server: LoginPageServer) -> None:
    """Meeting, operator and telephone; fields with their purpose; nothing that runs, nothing remembered."""
    sent = server.ask(path_of())

    assert sent.status == 200
    assert sent.title == f"Besprechung leiten – {OPERATOR}"
    for words in ("Physik-7b", OPERATOR, TELEPHONE, "Dieses Gerät benutzen auch andere: nichts merken"):
        assert words in sent.text
    assert field(sent, "username")["autocomplete"] == "username"
    assert field(sent, "password")["autocomplete"] == "current-password"
    assert not sent.html.find(["script", "iframe"])
    assert not re.search(rb"\bon[a-z]+=|style=", sent.body)
    assert not [name for name in sent.headers if name.lower() in {"set-cookie", "etag", "last-modified"}]
    logo = server.ask("/_authbridge/logo")
    assert (logo.status, logo.headers["Content-Type"][:13]) == (200, "image/svg+xml")


@pytest.mark.parametrize("path", [path_of(), path_of("x"), "/_authbridge/logout", "/_authbridge/none", "/"])
def test_every_answer_has_the_headers(server: LoginPageServer, path: str) -> None:
    """No script, no frame, no referrer, no cache; HSTS is the host's own business."""
    sent = server.ask(path)
    policy = sent.headers["Content-Security-Policy"]
    assert policy.startswith(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' http://"
    )
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert sent.headers["X-Frame-Options"] == "DENY"
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert sent.headers["Referrer-Policy"] == "no-referrer"
    assert sent.headers["Cache-Control"] == "no-store"
    assert not {"Set-Cookie", "Strict-Transport-Security"} & set(sent.headers)


@pytest.mark.parametrize("shared", [False, True])
def test_the_right_password_leads_back_with_a_token(server: LoginPageServer, *, shared: bool) -> None:
    """By 303 into the room, token in the fragment alone, settings as they came; the token is good."""
    organiser = server.organisers.active
    sent = server.log_in(f" {organiser.username.upper()} ", organiser.password, shared=shared)

    assert (sent.status, sent.body) == (303, b"")
    address, _, fragment = sent.headers["Location"].partition("#")
    assert address == f"{server.page.meet_url}/Physik-7b"
    assert fragment.endswith("&config.prejoinConfig.enabled=false")
    used = ask_service(server, "/v1/token", token=token_of(sent), sessions="none")
    assert (used["verdict"], used["username"], used["shared"]) == ("granted", organiser.username, shared)


@pytest.mark.parametrize(("language", "sentences"), [("de", GERMAN), ("en", ENGLISH)])
@pytest.mark.parametrize("verdict", GERMAN)
def test_each_verdict_has_its_sentence(
    server: LoginPageServer, verdict: Verdict, language: str, sentences: dict[Verdict, str]
) -> None:
    """422, the name still there, the password never; the window is called an error."""
    organisers = server.organisers
    wrong = f"{organisers.active.password}x"
    who, password = {
        Verdict.REFUSED: (organisers.active, wrong),
        Verdict.SUSPENDED: (organisers.suspended, organisers.suspended.password),
        Verdict.EXPIRED: (organisers.expired, organisers.expired.password),
    }[verdict]
    sent = server.log_in(who.username, password, path=path_of(language=language), shared=True)

    assert sent.status == 422
    assert sentences[verdict] in sent.text
    assert sent.title.startswith(("Fehler: ", "Error: "))
    assert field(sent, "username")["value"] == who.username
    assert field(sent, "shared").has_attr("checked")
    assert field(sent, "password").get("value") is None
    assert field(sent, "password")["aria-describedby"] == "refusal"
    assert password.encode() not in sent.body
    assert "Location" not in sent.headers


def test_a_password_of_large_characters_is_wrong_and_no_outage(server: LoginPageServer) -> None:
    """The question about it fits into what the service reads; an outage would be somebody's alarm."""
    sent = server.log_in("\N{KEY}" * 256, "\N{KEY}" * 422)

    assert sent.status == 422
    assert GERMAN[Verdict.REFUSED] in sent.text


def test_who_must_wait_is_told_how_long_and_waits_at_both_doors(server: LoginPageServer) -> None:
    """Guesses at the page count like those through Prosody: same name, same network, same wait."""
    username = "ohg-nobody"
    passwords = wrong_passwords_at(server.service, username)
    for password in islice(passwords, 5):
        server.log_in(username, password, X_Forwarded_For=ADDRESS)
    sent = server.log_in(username, next(passwords), X_Forwarded_For=ADDRESS)
    assert sent.status == 422
    assert re.search(r"versuchen Sie es in \d+ Sekunden noch einmal", sent.text), sent.text
    through_prosody = ask_service(
        server, "/v1/authenticate", username=username, password=next(passwords), ip=ADDRESS
    )
    assert through_prosody["verdict"] == "locked"


def test_a_reload_is_no_guess(server: LoginPageServer) -> None:
    """Nor is a double click: the same wrong password counts once, and the right one makes no wait longer."""
    organiser = server.issue()
    for _ in range(7):
        sent = server.log_in(organiser.username, "vertippt", X_Forwarded_For=ADDRESS)
        assert GERMAN[Verdict.REFUSED] in sent.text
    for _ in range(2):
        sent = server.log_in(organiser.username, organiser.password, X_Forwarded_For=ADDRESS)
        assert sent.status == 303


@pytest.mark.parametrize(
    ("header", "recorded"),
    [
        ("198.51.100.23", "198.51.100.23"),
        ("2001:db8::7", "2001:db8::7"),
        ("198.51.100.23, 10.0.0.1", None),
        ("10.0.0.1,198.51.100.23", None),
        ("localhost", None),
        ("", None),
    ],
)
def test_the_address_is_the_one_of_nginx(server: LoginPageServer, header: str, recorded: str | None) -> None:
    """Overwritten by nginx it is one address; anything else is unknown, and earns no trust."""
    server.log_in("ohg-kwtx", secrets.token_hex(), X_Forwarded_For=header)
    assert server.journal()[-1] == ("page", recorded)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin, cross-site"])
def test_the_form_of_another_site_is_refused(server: LoginPageServer, site: str) -> None:
    """Nobody is logged in by another page, and no visitor of one guesses for it."""
    before = len(server.journal())
    organiser = server.organisers.active
    sent = server.log_in(organiser.username, organiser.password, Sec_Fetch_Site=site)
    assert (sent.status, "Location" in sent.headers) == (400, False)
    assert len(server.journal()) == before


def test_an_older_browser_says_it_by_the_origin(server: LoginPageServer) -> None:
    """Those without Fetch Metadata: a foreign Origin is refused, ours and none are not."""
    organiser = server.organisers.active
    body = f"username={organiser.username}&password={organiser.password}".encode()
    statuses = {}
    for origin in ("https://evil.example", server.page.meet_url, "null", None):
        connection = HTTPConnection("127.0.0.1", server.page.port, timeout=60)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path_of(), body, headers | ({"Origin": origin} if origin else {}))
        statuses[origin] = connection.getresponse().status
        connection.close()
    assert statuses == {"https://evil.example": 400, server.page.meet_url: 303, "null": 303, None: 303}


@pytest.mark.parametrize(
    "state",
    [
        "",
        "<script>alert(1)</script>",
        '{"room":"//evil.example"}',
        '{"room":"x","tenant":"//evil.example"}',
        '{"room":"\\r\\nLocation: https://evil.example"}',
        '{"__proto__":{"room":"x"}}',
        json.dumps({"room": "x", "pad": "x" * 5000}),
    ],
)
def test_a_hostile_state_leads_to_a_plain_page(server: LoginPageServer, state: str) -> None:
    """Before and after a login: never elsewhere, and nothing of it as HTML."""
    organiser = server.organisers.active
    before = len(server.journal())
    for sent in (
        server.ask(path_of(state)),
        server.log_in(organiser.username, organiser.password, path=path_of(state)),
    ):
        assert sent.status == 400
        assert "Bitte öffnen Sie die Besprechung noch einmal" in sent.text
        assert "Location" not in sent.headers
        assert not sent.html.find("script")
        links = [str(link["href"]) for link in sent.html.find_all("a")]
        assert all(link.startswith(("/_authbridge/", f"{server.page.meet_url}/")) for link in links)
    assert len(server.journal()) == before


def test_a_room_in_html_stays_a_name(server: LoginPageServer) -> None:
    """It is shown as it was written."""
    room = '"><img src=x onerror=alert(1)>'
    sent = server.ask(path_of({"room": room}))
    assert room in sent.text
    assert b"<img src=x" not in sent.body


def test_a_mebibyte_of_state_reaches_nobody(server: LoginPageServer) -> None:
    """Gunicorn reads no such line; nginx before it neither."""
    assert server.ask(path_of({"room": "x" * 2**20})).status in {400, 414}


@pytest.mark.parametrize(
    ("method", "path", "fields", "status"),
    [
        ("HEAD", path_of(), None, 200),
        ("PUT", path_of(), b"", 405),
        ("DELETE", "/_authbridge/logout", None, 405),
        ("GET", "/_authbridge/", None, 404),
        ("GET", "/_authbridge/static/../../wsgi.py", None, 404),
        ("GET", "/v1/authenticate", None, 404),
        ("POST", path_of(), b"username=" + b"x" * 8192, 413),
        ("POST", path_of(), b"\xff\xfe%00%ff=&&&", 422),
        ("GET", "/_authbridge/healthz", None, 200),
    ],
    ids=str,
)
def test_what_is_no_login_gets_a_small_answer(
    server: LoginPageServer, method: str, path: str, fields: bytes | None, status: int
) -> None:
    """With the status that says why, and without a word of the program's inside."""
    sent = server.ask(path, method, fields)
    assert sent.status == status
    assert (status == 405) == ("Allow" in sent.headers)
    assert len(sent.body) < 4096
    assert b"Traceback" not in sent.body


def test_an_empty_field_is_not_asked_about(server: LoginPageServer) -> None:
    """Each says what it lacks, and the first one has the focus."""
    before = len(server.journal())
    sent = server.log_in("  ", "")
    assert sent.status == 422
    for name in ("username", "password"):
        assert field(sent, name)["aria-invalid"] == "true"
        assert sent.html.find(id=str(field(sent, name)["aria-describedby"]))
    assert field(sent, "username").has_attr("autofocus")
    assert len(server.journal()) == before


@pytest.mark.parametrize(
    ("accepted", "path", "language"),
    [
        ("de-AT,en;q=0.5", path_of(), "de"),
        ("en-GB,en;q=0.9", path_of(), "en"),
        ("fr", path_of(), "de"),
        ("", path_of(), "de"),
        ("de", path_of(language="en"), "en"),
        ("en", path_of(language="fr"), "en"),
    ],
)
def test_the_browser_or_a_link_says_the_language(
    server: LoginPageServer, accepted: str, path: str, language: str
) -> None:
    """And the link to the other one leads to the same meeting."""
    sent = server.ask(path, Accept_Language=accepted)
    assert sent.html.html is not None
    assert sent.html.html["lang"] == language
    other = sent.html.find("a", hreflang="en" if language == "de" else "de")
    assert isinstance(other, Tag)
    assert "Physik-7b" in server.ask(str(other["href"])).text


@pytest.mark.parametrize(
    ("client", "scheme"), [("ios", "org.jitsi.meet"), ("android", "intent"), ("electron", "jitsi-meet")]
)
def test_an_app_gets_a_page_with_a_button(server: LoginPageServer, client: str, scheme: str) -> None:
    """Nothing opens by itself: no redirect, no refresh; the token stands in the link alone."""
    organiser = server.organisers.active
    sent = server.log_in(organiser.username, organiser.password, path=path_of(MEETING | {client: True}))
    assert sent.status == 200
    assert not {"Location", "Refresh"} & set(sent.headers)
    assert not sent.html.find("meta", {"http-equiv": True})
    (link,) = [str(each["href"]) for each in sent.html.find_all("a")]
    assert link.startswith(f"{scheme}://localhost:{server.page.port}/Physik-7b#jwt=%22ey")
    assert sent.body.count(b"jwt=") == 1
    assert sent.headers["Cache-Control"] == "no-store"


def test_only_the_button_forgets(server: LoginPageServer) -> None:
    """A link, a picture or a form of another site does not; the cookies of other hosts stay."""
    path = "/_authbridge/logout"
    assert "Clear-Site-Data" not in server.ask(path).headers
    foreign = server.ask(path, "POST", b"", Sec_Fetch_Site="cross-site")
    assert (foreign.status, "Clear-Site-Data" in foreign.headers) == (400, False)
    assert server.ask(path, "POST", b"").headers["Clear-Site-Data"] == '"storage"'


def test_nothing_of_a_login_is_in_a_log(server: LoginPageServer) -> None:
    """Neither name nor password nor token nor room, of logins that went well, badly or oddly."""
    organiser = server.issue()
    state = MEETING | {"room": "Geheimer-Raum-4711"}
    token = token_of(server.log_in(organiser.username, organiser.password, path=path_of(state)))
    server.log_in(organiser.username, "Falsch-4711", path=path_of(state))
    server.ask(f"{ACCESS}?state=Zustand-4711")
    server.ask(path_of(state), "POST", b"username=Name-4711&password=%ff4711" + b"x" * 9000)
    logs = server.logs()
    assert not [word for word in (organiser.username, organiser.password, token, "4711") if word in logs]


def test_a_broken_text_of_the_operator_stops_no_login(server: LoginPageServer) -> None:
    """It is left out, and the log says which file it is."""
    folder = server.page.letter_dir
    assert folder is not None
    sender = folder / "sender.de.md"
    words = sender.read_text()
    sender.write_bytes(b"\xff\xfe")
    try:
        sent = server.ask(path_of())
    finally:
        sender.write_text(words)
    assert (sent.status, sent.title) == (200, "Besprechung leiten")
    assert "sender.de.md: this is not UTF-8" in server.page.log.read_text()
