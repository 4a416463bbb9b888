"""How gunicorn runs the auth service; ``authbridge serve`` names it and adds the address.

Named as a module, so that no ``gunicorn.conf.py`` of the current folder is read in its place.
"""

workers = 1  # what the service remembers lives in one process
worker_class = "gthread"
threads = 64  # most of the time they wait: for bcrypt, which lets the others run, or for the database
graceful_timeout = 2  # seconds that a login under way gets at a restart; Prosody asks again
control_socket_disable = True  # it would lie in the home folder
