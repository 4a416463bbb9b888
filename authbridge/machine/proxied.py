"""Says of nginx' configuration which address it passes on, wherever it leads browsers to a program behind it.

``proxy_set_header`` is inherited only by a block that has none of its own (nginx' documentation).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from authbridge.machine.files import PlannedChanges
from authbridge.machine.nginx_config import Directive, Levels, named, read_nginx, walk
from authbridge.machine.places import insert_after, replace
from authbridge.machine.trusted_networks import trusts_strangers

OVERWRITES = "proxy_set_header X-Forwarded-For $remote_addr;"
_LOGIN_PATHS = ("http-bind", "xmpp-websocket")
_PROSODY_PORTS = ("5280", "5281")  # Prosody's own choice for HTTP and HTTPS
_OWN = {"$remote_addr", "${remote_addr}"}
_FORGEABLE = {"$proxy_add_x_forwarded_for", "$http_x_forwarded_for"}
_VARIABLE = re.compile(r"\$\{?(\w+)")
_LOOPBACK = re.compile(r"(127\.[\d.]+|\[::1\]|localhost|unix):.*|(127\.[\d.]+|\[::1\]|localhost)$")


@dataclass(frozen=True, slots=True)
class Proxied:
    """One ``proxy_pass`` with the levels around it, the innermost first."""

    directive: Directive
    levels: Levels

    @property
    def headers(self) -> Sequence[Directive]:
        """Returns the ``proxy_set_header`` that count here."""
        return next((found for level in self.levels if (found := named(level, "proxy_set_header"))), ())

    @property
    def forwarded(self) -> list[Directive]:
        """Returns those that say X-Forwarded-For."""
        return [each for each in self.headers if each.arguments[0].lower() == "x-forwarded-for"]

    @property
    def overwrites(self) -> bool:
        """Tells whether the address of the browser is passed on in place of what the browser said."""
        values = [each.arguments[-1] for each in self.forwarded]
        return bool(values) and set(values) <= _OWN

    @property
    def can_be_mended(self) -> bool:
        """Tells whether the header is missing, or is one that holds what the browser said."""
        return all(each.arguments[-1] in _OWN | _FORGEABLE for each in self.forwarded)

    def has(self, name: str, *values: str) -> bool:
        """Tells whether a directive counts anywhere around, with one of these values if there are any."""
        return any(
            not values or set(values) & set(each.arguments)
            for level in self.levels
            for each in named(level, name)
        )

    @property
    def trusts_strangers(self) -> bool:
        """Tells whether nginx takes the address of the browser from what a browser may say."""
        trusted = [each for level in self.levels for each in named(level, "set_real_ip_from")]
        return trusts_strangers(argument for each in trusted for argument in each.arguments)

    @property
    def lets_look_alikes_pass(self) -> bool:
        """Tells whether ``X_Forwarded_For`` passes, which Prosody does not tell from X-Forwarded-For."""
        return self.has("underscores_in_headers", "on") or self.has("ignore_invalid_headers", "off")

    @property
    def is_behind_a_proxy(self) -> bool:
        """Tells whether something else stands between the browsers and this nginx."""
        listens = [each.arguments for level in self.levels for each in named(level, "listen")]
        return (
            self.has("set_real_ip_from")
            or any("proxy_protocol" in each for each in listens)
            or (bool(listens) and all(_LOOPBACK.match(each[0]) for each in listens))
        )

    @property
    def is_sound(self) -> bool:
        """Tells whether the address that arrives is the browser's own, as far as the files say."""
        is_fooled = self.trusts_strangers or self.lets_look_alikes_pass
        is_blind = self.is_behind_a_proxy and not self.has("set_real_ip_from")
        return self.overwrites and not is_fooled and not is_blind


def to_prosody(nginx: Sequence[Directive]) -> list[Proxied]:
    """Returns each place from which a browser can reach a login of Prosody's (BOSH, WebSocket)."""
    return [each for each in _proxied(nginx) if _reaches_login(nginx, each)]


def of_host(nginx: Sequence[Directive], host: str) -> list[Proxied]:
    """Returns each place of the servers of that name from which a browser reaches a program behind nginx."""
    return [each for each in _proxied(nginx) if host in server_names(each.levels)]


def server_names(levels: Levels) -> set[str]:
    """Returns the names of the server around, in small letters."""
    return {
        name.lower() for level in levels for each in named(level, "server_name") for name in each.arguments
    }


def overwrite_addresses(
    plan: PlannedChanges, select: Callable[[Sequence[Directive]], Sequence[Proxied]]
) -> None:
    """Plans that the address of the browser is passed on wherever that is missing or forgeable."""
    while faulty := next(
        (each for each in select(read_nginx(plan) or ()) if not each.overwrites and each.can_be_mended), None
    ):
        _overwrite(plan, faulty)


def _overwrite(plan: PlannedChanges, faulty: Proxied) -> None:
    for header in faulty.forwarded:
        if header.arguments[-1] not in _OWN:
            plan.edit(header.file, lambda text: replace(text, header.start, header.end, OVERWRITES))  # noqa: B023 - called at once
            return
    # Beside the others that count here: alone in a block of its own it would switch those off.
    near = faulty.headers[-1] if faulty.headers else faulty.directive
    plan.edit(
        near.file, lambda text: insert_after(text, near.start, near.end, OVERWRITES, comment=r"\#[^\n\r]*")
    )


def _proxied(nginx: Sequence[Directive]) -> Iterator[Proxied]:
    for each, levels in walk(nginx):
        if each.name == "proxy_pass" and len(each.arguments) == 1:
            yield Proxied(each, levels)


def _reaches_login(nginx: Sequence[Directive], each: Proxied) -> bool:
    (target,) = each.directive.arguments
    return any(_is_login(nginx, url) for url in ([target] if "://" in target else _values(nginx, target)))


def _is_login(nginx: Sequence[Directive], url: str) -> bool:
    authority, slash, rest = url.partition("://")[2].partition("/")
    path = rest.partition("?")[0]
    if any(name in path for name in _LOGIN_PATHS):
        return True
    # Without a path of its own, or with a part of what the browser asked for, it leads to all of Prosody.
    is_open = not slash or not path or path.endswith("/") or "$" in path
    return is_open and _is_prosody(nginx, authority)


def _is_prosody(nginx: Sequence[Directive], authority: str) -> bool:
    if variable := _VARIABLE.match(authority):
        return any(_is_prosody(nginx, value) for value in _values(nginx, f"${variable[1]}"))
    servers = [
        server.arguments[0]
        for each, _ in walk(nginx)
        if each.name == "upstream" and each.arguments == (authority,)
        for server in named(each.block or (), "server")
    ]
    return any(address.rpartition(":")[2] in _PROSODY_PORTS for address in servers or [authority])


def _values(nginx: Sequence[Directive], variable: str) -> set[str]:
    values = set()
    for each, _ in walk(nginx):
        if each.name == "set" and each.arguments[0] == variable:
            values.add(each.arguments[1])
        elif each.name == "map" and each.arguments[1] == variable:
            values |= {entry.arguments[0] for entry in each.block or () if entry.arguments}
    return {value for value in values if not value.startswith("$")}
