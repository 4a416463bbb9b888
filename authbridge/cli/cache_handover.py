"""Hands the memory of the password cache from one life of the service to the next, through the supervisor.

Looks at no content: that is for the process that answers.
"""

import fcntl
import os
from collections.abc import MutableMapping

import click

from authbridge.cli.descriptor_store import DescriptorStore
from authbridge.login.cache_memfd import DESCRIPTOR, NAME, fault_of_memfd, make_memfd
from authbridge.login.cache_memory import Layout


def hand_over(environ: MutableMapping[str, str], layout: Layout) -> None:
    """Puts into ``environ`` the descriptor of the stored memory, or of a new one, which is stored.

    Where there is none to have, the cache ends with the process that answers; that is one line of the log.
    """
    environ.pop(DESCRIPTOR, None)
    store = DescriptorStore(environ)
    memfd = _stored(store, layout)
    if memfd is None:
        memfd = _new(store, layout)
    if memfd is not None:
        fcntl.fcntl(memfd, fcntl.F_SETFD, 0)  # gunicorn inherits it
        environ[DESCRIPTOR] = str(memfd)


def _stored(store: DescriptorStore, layout: Layout) -> int | None:
    memfd = store.take(NAME)
    if memfd is None:
        return None
    fault = fault_of_memfd(memfd, layout)
    if fault is None:
        return memfd
    _tell(f"discarded: {fault}")
    os.close(memfd)
    return None


def _new(store: DescriptorStore, layout: Layout) -> int | None:
    try:
        memfd = make_memfd(layout)
    except OSError as error:
        _tell(f"ends with the process that answers: {error.strerror}")
        return None
    try:
        store.remove(NAME)  # there is room for one
        store.put(NAME, memfd)
    except OSError as error:
        _tell(f"ends with the service: the supervisor does not take it: {error.strerror}")
    return memfd


def _tell(what: str) -> None:
    click.echo(f"WARNING password cache: {what}", err=True)
