"""Asks a running service about logins, as Prosody and the login page do."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

from authbridge.clock import utc_now
from authbridge.login.keyed_hashes import KeyedHashes
from authbridge.schools.commands.organisers import IssuedCredential
from tests.support.stories import HOME, wrong_passwords
from workbench.processes import PATIENCE
from workbench.service import Service


def ask(service: Service, username: str, password: str, *, request_id: str = "q-1") -> str:
    """Returns the verdict on one login; "unavailable" too if the database does not answer.

    Raises:
        OSError: The service does not answer.
        http.client.HTTPException: Likewise.
    """
    return str(_ask(service, username, password, request_id=request_id, transport="tcp")["verdict"])


def get_token(service: Service, who: IssuedCredential, *, shared: bool = False) -> str:
    """Returns the token that the login page gets for that organiser's password."""
    answer = _ask(service, who.username, who.password, transport="page", node="page", shared=shared)
    assert answer["verdict"] == "granted"
    return str(answer["token"])


def wrong_passwords_at(service: Service, username: str) -> Iterator[str]:
    """Yields passwords that the policy of that service tells apart for that name, today and tomorrow."""
    keyed_hashes = KeyedHashes((service.folder / "secret-key").read_text().strip().encode())
    return wrong_passwords(username, keyed_hashes, utc_now())


def _ask(service: Service, username: str, password: str, **changes: object) -> dict[str, Any]:
    question = {
        "request_id": "q-1",
        "username": username,
        "password": password,
        "host": service.host,
        "ip": HOME,
        "user_agent": None,
        "node": "node-a",
        "within": 60,
    }
    token = service.token_file.read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    try:
        connection.request(
            "POST",
            "/v1/authenticate",
            json.dumps(question | changes),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            return {"verdict": "unavailable"}
        content: dict[str, Any] = json.load(answer)
        return content
    finally:
        connection.close()
