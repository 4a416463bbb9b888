"""How gunicorn runs the auth service, the panel and the login page; their commands add what differs.

Named as a module, so that no ``gunicorn.conf.py`` of the current folder is read in its place.
"""

from typing import Any

from authbridge.login.process_memory import forbid_dumps

workers = 1  # what the service remembers lives in one process
worker_class = "gthread"
threads = 600  # most of them wait for their turn to be hashed; a Prosody sends 512 logins at most
worker_connections = 2000  # several Prosodys keep connections open; none of them is kept waiting at the door
graceful_timeout = 2  # seconds that a login under way gets at a restart; Prosody asks again
limit_request_line = 8190  # bytes, as much as nginx passes on: some hundred ticked names are one address
control_socket_disable = True  # it would lie in the home folder


def on_starting(_server: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Forbids dumps of gunicorn's first process too: it holds the password cache's descriptor."""
    forbid_dumps()


def post_worker_init(worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """Lets the application see that its worker must stop: open polls would keep it waiting."""
    stop_when = getattr(worker.wsgi, "stop_when", None)
    if stop_when is not None:
        stop_when(lambda: not worker.alive)
