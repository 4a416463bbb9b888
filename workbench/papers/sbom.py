"""Makes the software bill of materials (CycloneDX 1.6) from the pins, and from what ships with them.

The same pins give the same file, byte by byte: it has no time, no download address and no path of a machine.
"""

import re
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from authbridge.installation.packages import PACKAGES
from workbench import ROOT

REQUIREMENTS = ROOT / "deploy/requirements.txt"

_PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^\s;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^    # (?:via|  ) ?(?P<name>\S+)", re.MULTILINE)
_OWN_PARTS = {
    "mod_auth_external": "Prosody module: who may log in",
    "mod_meeting_rules": "Prosody module: the rules of a meeting",
    "mod_token_suspension": "Prosody module: suspensions for tokens of others",
    "authbridge": "Lua files that the Prosody modules share",
}
_SPACE = uuid.UUID(
    "5b1ffac5-69b6-4b0c-a1a2-4d3f5f4cbd1c"
)  # drawn once, for the serial numbers of these files


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned package: the files that pip accepts for it, by SHA-256, and the packages that need it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    needed_by: tuple[str, ...]


class OtherVersionError(Exception):
    """Raised when the package that is installed here, and that tells the licence, is not the pinned one."""


def read_pins(text: str) -> Iterator[Pin]:
    """Yields the packages of a requirements file as pip-compile writes it."""
    for block in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE):
        if pin := _PIN.match(block):
            hashes = tuple(_HASH.findall(block))
            yield Pin(pin["name"], pin["version"], hashes, tuple(_VIA.findall(block)))


def make_sbom() -> str:
    """Returns the file.

    Raises:
        OtherVersionError: The packages that are installed here are not the pinned ones.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = REQUIREMENTS.read_text(encoding="utf-8")
    pins = tuple(read_pins(requirements))
    root = Component(
        name=project["name"],
        version=project["version"],
        description=project["description"],
        type=ComponentType.APPLICATION,
        bom_ref=project["name"],
        licenses=[_licence(project["license"])],
        components=[_own_part(name, words, project) for name, words in _OWN_PARTS.items()],
        properties=[Property(name="authbridge:vendored-files", value="none")],
    )
    packages = {pin.name: _package(pin) for pin in pins}
    debian = [_debian_package(name) for name in PACKAGES]
    needs = {root.name: _dependency(root, [*debian, *_needed(root.name, pins, packages)])}
    needs |= {name: _dependency(each, _needed(name, pins, packages)) for name, each in packages.items()}
    bom = Bom(
        serial_number=uuid.uuid5(_SPACE, f"{project['version']}\n{requirements}"),
        metadata=BomMetaData(component=root),
        components=[*packages.values(), *debian],
        dependencies=needs.values(),
    )
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the commit has it
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _needed(name: str, pins: tuple[Pin, ...], packages: dict[str, Component]) -> list[Component]:
    return [packages[pin.name] for pin in pins if name in pin.needed_by]


def _dependency(component: Component, needed: list[Component]) -> Dependency:
    return Dependency(component.bom_ref, [Dependency(each.bom_ref) for each in needed])


def _package(pin: Pin) -> Component:
    purl = PackageURL("pypi", name=pin.name, version=pin.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(purl.to_string()),  # where pip fetches it from is the operator's business
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in pin.hashes],
        comment="SHA-256 of each file that pip accepts for this version (pip --require-hashes)",
    )
    return Component(
        name=pin.name,
        version=pin.version,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=_licences_of(pin),
        external_references=[files],
    )


def _debian_package(name: str) -> Component:
    """Returns a package whose version is the distribution's, which mends it."""
    purl = PackageURL("deb", "debian", name)
    return Component(name=name, bom_ref=purl.to_string(), purl=purl)


def _own_part(name: str, words: str, project: dict[str, str]) -> Component:
    return Component(
        name=name,
        version=project["version"],
        description=words,
        bom_ref=f"prosody_mod/{name}",
        licenses=[_licence(project["license"])],
    )


_UNSAID = {"pyrage": "MIT"}  # said in its file LICENSE alone


def _licences_of(pin: Pin) -> list[License]:
    package = metadata.metadata(pin.name)
    if package["Version"] != pin.version:
        raise OtherVersionError(
            f"{pin.name} {package['Version']} is installed here, {pin.version} is pinned."
        )
    said = package.get_all("License-Expression") or []
    prefix = "License :: OSI Approved :: "
    classified = [each for each in package.get_all("Classifier") or [] if each.startswith(prefix)]
    named = said or [each.removeprefix(prefix) for each in classified]
    named = named or [package["License"] or _UNSAID[pin.name]]
    return [_licence(each) for each in named]


def _licence(name: str) -> License:
    return LicenseFactory().make_from_string(name)
