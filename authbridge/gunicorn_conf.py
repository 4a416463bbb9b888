"""How gunicorn runs the auth service and the panel; ``authbridge serve`` and ``panel`` add what differs.

Named as a module, so that no ``gunicorn.conf.py`` of the current folder is read in its place.
"""

workers = 1  # what the service remembers lives in one process
worker_class = "gthread"
threads = 600  # most of them wait for their turn to be hashed; Prosody sends 512 logins at most
graceful_timeout = 2  # seconds that a login under way gets at a restart; Prosody asks again
control_socket_disable = True  # it would lie in the home folder
