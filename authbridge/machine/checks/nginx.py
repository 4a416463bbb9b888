"""Checks nginx: which addresses it passes on to Prosody and to the panel, and both sites' certificates."""

import posixpath
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from authbridge.machine.files import PlannedChanges
from authbridge.machine.findings import Finding, Level, Remark
from authbridge.machine.nginx_config import Directive, read_nginx, walk
from authbridge.machine.places import NotUnderstoodError
from authbridge.machine.proxied import (
    OVERWRITES,
    Proxied,
    of_host,
    overwrite_addresses,
    server_names,
    to_prosody,
)
from authbridge.machine.setup import Setup

_WHY_ADDRESS = Remark(
    "Otherwise a client can choose the address that Prosody believes it has, "
    "and the networks of schools and of attackers cannot be told apart."
)
_WHY_PANEL = Remark("The panel believes this address: it lets networks in, and slows a guesser, by it.")
_WHY_CERTIFICATE = Remark("With an expired certificate no browser opens the page.")
_PANEL_PORT = "8702"
_CERTIFICATE_DAYS = 14
"""Let's Encrypt renews 30 days before the end: whatever has fewer left was not renewed."""
_FINDINGS = ("nginx-address", "panel-nginx", "panel-report", "nginx-certificate", "panel-certificate")
_APACHE = "RequestHeader unset X-Forwarded-For early"


def examine(plan: PlannedChanges, setup: Setup) -> Iterator[Finding]:
    """Yields the findings about nginx: the addresses, the panel's site, its report page, the certificates."""
    panel = urlsplit(setup.panel_url or "").hostname
    try:
        nginx = read_nginx(plan)
    except NotUnderstoodError as error:
        what = Remark(error.sentence, **error.values)
        yield from (Finding(each, Level.WARNING, what, where=str(error.values["file"])) for each in _FINDINGS)
        return
    yield _address(plan, nginx)
    yield _panel(nginx, panel)
    yield _report(nginx, panel)
    yield _certificate(plan, nginx, "nginx-certificate", setup.host)
    yield _certificate(plan, nginx, "panel-certificate", panel)


def _address(plan: PlannedChanges, nginx: Sequence[Directive] | None) -> Finding:
    finding = partial(Finding, "nginx-address")
    places = to_prosody(nginx or ())
    if not places:
        return _address_without_nginx(plan)
    for each in places:
        where = each.directive.where
        if each.trusts_strangers:
            what = Remark("nginx believes every client that says which address it has.")
            return finding(Level.WARNING, what, _WHY_ADDRESS, where, "set_real_ip_from …")
        if each.lets_look_alikes_pass:
            what = Remark(
                "nginx lets X_Forwarded_For pass, which Prosody does not tell from X-Forwarded-For."
            )
            line = "underscores_in_headers off; ignore_invalid_headers on;"
            return finding(Level.WARNING, what, _WHY_ADDRESS, where, line)
    faulty = [each for each in places if not each.overwrites]
    if faulty:
        return finding(
            Level.WARNING,
            Remark("nginx does not overwrite what a client says about its address."),
            _WHY_ADDRESS,
            faulty[0].directive.where,
            OVERWRITES,
            _fix(faulty),
        )
    if any(each.is_behind_a_proxy and not each.has("set_real_ip_from") for each in places):
        what = Remark("Something stands before nginx: all browsers appear with its address.")
        line = "set_real_ip_from ADDRESS-OF-THE-PROXY; real_ip_header …;"
        return finding(Level.WARNING, what, _WHY_ADDRESS, places[0].directive.where, line)
    return finding(Level.OK, Remark("nginx passes on the addresses of browsers, and overwrites forged ones."))


def _fix(faulty: Sequence[Proxied]) -> partial[None] | None:
    # Behind another proxy, what is right depends on that one: a person decides.
    if any(each.is_behind_a_proxy or not each.can_be_mended for each in faulty):
        return None
    return partial(overwrite_addresses, select=to_prosody)


def _address_without_nginx(plan: PlannedChanges) -> Finding:
    finding = partial(Finding, "nginx-address")
    for name in plan.names("/etc/apache2/sites-enabled/*"):
        lines = [line.strip() for line in (plan.read(name) or "").splitlines()]
        said = [line for line in lines if not line.startswith("#")]
        if not any("/http-bind" in line for line in said):
            continue
        if any(line.split() == _APACHE.split() for line in said):
            return finding(Level.OK, Remark("Apache passes on the addresses of browsers."))
        what = Remark("Apache keeps what a client says about its address beside the true one.")
        return finding(Level.WARNING, what, _WHY_ADDRESS, name, _APACHE)
    return finding(Level.OK, Remark("No nginx on this machine leads to Prosody."))


def _panel(nginx: Sequence[Directive] | None, panel: str | None) -> Finding:
    finding = partial(Finding, "panel-nginx")
    if panel is None:
        return finding(Level.OK, Remark("No panel is offered here."))
    if nginx is None:
        return finding(Level.OK, Remark("There is no nginx on this machine."))
    places = _of_panel(nginx, panel)
    if not places:
        what = Remark("nginx has no site for the panel at %(host)s.", host=panel)
        return finding(
            Level.WARNING,
            what,
            where=f"/etc/nginx/sites-available/{panel}.conf",
            line="deploy/nginx/panel.conf",
        )
    faulty = [each for each in places if not each.overwrites]
    if not faulty:
        return finding(Level.OK, Remark("nginx has a site for the panel at %(host)s.", host=panel))
    select = partial(_of_panel, panel=panel)
    return finding(
        Level.ERROR,
        Remark("nginx does not overwrite what a browser says to the panel about its address."),
        _WHY_PANEL,
        faulty[0].directive.where,
        OVERWRITES,
        partial(overwrite_addresses, select=select) if all(each.can_be_mended for each in faulty) else None,
    )


def _of_panel(nginx: Sequence[Directive], panel: str) -> list[Proxied]:
    return [each for each in of_host(nginx, panel) if each.directive.arguments[0].endswith(f":{_PANEL_PORT}")]


def _report(nginx: Sequence[Directive] | None, panel: str | None) -> Finding:
    finding = partial(Finding, "panel-report")
    if panel is None or nginx is None or not _of_panel(nginx, panel):
        return finding(Level.OK, Remark("nginx has no site for the panel here."))
    if any(each.name == "location" and each.arguments == ("=", "/report") for each, _ in walk(nginx)):
        return finding(Level.OK, Remark("The page for heads of schools is open to everybody."))
    return finding(
        Level.WARNING,
        Remark("nginx has no place of its own for the page on which heads of schools block an access."),
        Remark(
            "Where the panel lets only some networks in, heads of schools cannot reach it, "
            "and nothing slows guessers."
        ),
        f"/etc/nginx/sites-available/{panel}.conf",
        "include snippets/authbridge-report.conf;",
    )


def _certificate(
    plan: PlannedChanges, nginx: Sequence[Directive] | None, finding_id: str, host: str | None
) -> Finding:
    finding = partial(Finding, finding_id)
    names = [
        posixpath.join("/etc/nginx", each.arguments[0])
        for each, levels in walk(nginx or ())
        if each.name == "ssl_certificate" and host in server_names(levels) and "$" not in each.arguments[0]
    ]
    if not names or host is None:
        return finding(Level.OK, Remark("nginx has no certificate of such a site."))
    for name in names:
        text = plan.read(name)
        if text is None:
            what = Remark("%(file)s is missing: it is the certificate of %(host)s.", file=name, host=host)
            return finding(Level.ERROR, what, _WHY_CERTIFICATE, name)
        answer = plan.machine.run(
            "openssl", "x509", "-noout", "-checkend", f"{_CERTIFICATE_DAYS * 86400}", text=text
        )
        if answer is not None and answer.code != 0:
            what = Remark(
                "The certificate of %(host)s expires within %(days)s days.", host=host, days=_CERTIFICATE_DAYS
            )
            return finding(Level.WARNING, what, _WHY_CERTIFICATE, name, "certbot renew")
    return finding(Level.OK, Remark("The certificate of %(host)s is there.", host=host))
