"""Offers the panel through nginx: a site of its own, linked when there is a certificate."""

import hashlib
import re
from collections.abc import Iterator
from functools import partial

from authbridge.installation.jitsi import BY
from authbridge.installation.steps import Installation, InstallationError, SystemAction, in_words
from authbridge.machine.files import Change, PlannedChanges
from authbridge.machine.ledger import Ledger
from authbridge.machine.mending import reload_services

_SNIPPET = "/etc/nginx/snippets/authbridge-report.conf"
_EXAMPLE = "panel.example.org"
_CERTIFICATE = re.compile(r"(?m)^\s*ssl_certificate\s+(\S+);")
_KEY = re.compile(r"(?m)^\s*ssl_certificate_key\s+(\S+);")


def offer(installation: Installation) -> Iterator[SystemAction]:
    """Writes the site, and links it if there is a certificate."""
    host = _host(installation)
    if host is None:
        return
    machine, plan = installation.machine, PlannedChanges(installation.machine)
    site = f"/etc/nginx/sites-available/{host}.conf"
    for name, text in _texts(installation, host, site).items():
        present = machine.read(name)
        if present is None or _is_ours(installation, name, present):
            plan.write(name, text)
        elif present != text:
            installation.todo.append(
                f"{name} is not as the program has it, and stays: somebody has changed it."
            )
    if machine.real(_certificate(installation, host, site)[0]).is_file():
        plan.link(f"/etc/nginx/sites-enabled/{host}.conf", f"../sites-available/{host}.conf")
    else:
        installation.todo.append(_how_to_get_a_certificate(host))
    if changes := list(plan.changes()):
        yield SystemAction(
            f"Write nginx's site of the panel:{in_words(changes)}", partial(_apply, installation, changes)
        )


def _host(installation: Installation) -> str | None:
    url = installation.setup().panel_url or ""
    host = installation.options.panel or url.removeprefix("https://").partition(":")[0].strip("/")
    return host if host and not url.startswith("http://") else None


def _texts(installation: Installation, host: str, site: str) -> dict[str, str]:
    nginx = installation.clone / "deploy/nginx"
    text = (nginx / "panel.conf").read_text(encoding="utf-8")
    certificate, key = _certificate(installation, host, site)
    text = text.replace(f"/etc/letsencrypt/live/{_EXAMPLE}/fullchain.pem", certificate)
    text = text.replace(f"/etc/letsencrypt/live/{_EXAMPLE}/privkey.pem", key)
    snippet = (nginx / "report.conf").read_text(encoding="utf-8")
    return {_SNIPPET: snippet.replace(_EXAMPLE, host), site: text.replace(_EXAMPLE, host)}


def _is_ours(installation: Installation, name: str, present: str) -> bool:
    return installation.record.digests.get(name) == _digest(present)


def _certificate(installation: Installation, host: str, site: str) -> tuple[str, str]:
    # As asked for; or as the site has it from an earlier run; or where certbot puts it.
    options = installation.options
    if options.certificate and options.certificate_key:
        return options.certificate, options.certificate_key
    present = installation.machine.read(site) or ""
    certificate, key = _CERTIFICATE.search(present), _KEY.search(present)
    if certificate and key:
        return certificate[1], key[1]
    folder = f"/etc/letsencrypt/live/{host}"
    return f"{folder}/fullchain.pem", f"{folder}/privkey.pem"


def _how_to_get_a_certificate(host: str) -> str:
    return (
        "The panel has no certificate yet, so nginx does not offer it.  When its name leads to us:\n"
        "apt-get install certbot python3-certbot-nginx\n"
        f"certbot certonly --nginx -d {host} --deploy-hook 'systemctl reload nginx'\n"
        "and give the command of this installation once more.  (Or add --certificate FILE and\n"
        "--certificate-key FILE.)"
    )


def _apply(installation: Installation, changes: list[Change]) -> None:
    machine, ledger = installation.machine, Ledger(installation.machine)
    for change in changes:
        if not change.is_link:
            installation.record.note_digest(change.name, _digest(change.after or ""))
    ledger.apply(changes, by=BY)
    answer = machine.run("nginx", "-t")
    if answer is not None and answer.code != 0:
        ledger.undo_last(BY)
        raise InstallationError(
            "nginx refuses the panel's site; it was taken back:\n%(words)s", words=answer.errors
        )
    reload_services(machine, [change.name for change in changes])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
