"""Asks a running service about logins, as Prosody does."""

import http.client
import json

from tests.support.stories import HOME
from workbench.processes import PATIENCE
from workbench.service import Service


def ask(service: Service, username: str, password: str, *, request_id: str = "q-1") -> str:
    """Returns the verdict on one login; "unavailable" too if the database does not answer.

    Raises:
        OSError: The service does not answer.
        http.client.HTTPException: Likewise.
    """
    question = {
        "request_id": request_id,
        "username": username,
        "password": password,
        "host": service.host,
        "ip": HOME,
        "user_agent": None,
        "transport": "tcp",
        "node": "node-a",
        "within": 60,
    }
    token = service.token_file.read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    try:
        connection.request(
            "POST",
            "/v1/authenticate",
            json.dumps(question),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            return "unavailable"
        return str(json.load(answer)["verdict"])
    finally:
        connection.close()
