"""The bill of materials holds exactly what is pinned, and nothing of the machine on which it was made."""

import json
import re
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from authbridge.installation.packages import PACKAGES
from workbench import ROOT
from workbench.papers import PAPERS
from workbench.papers.sbom import make_sbom

TEXT = (PAPERS / "sbom.cdx.json").read_text(encoding="utf-8")
REQUIREMENTS = (ROOT / "deploy/requirements.txt").read_text(encoding="utf-8")


@pytest.fixture(name="sbom", scope="module")
def read_sbom() -> dict[str, Any]:
    """Returns the committed file."""
    content: dict[str, Any] = json.loads(TEXT)
    return content


def pinned() -> dict[str, set[str]]:
    """Returns the hashes of each ``name==version`` of the requirements, read line by line."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in REQUIREMENTS.splitlines():
        if line[:1].isalnum():
            name = line.split()[0]
            found[name] = set()
        elif "--hash=sha256:" in line:
            found[name].add(line.partition("--hash=sha256:")[2].rstrip(" \\"))
    return found


def hashes_of(component: dict[str, Any]) -> set[str]:
    """Returns the hashes of the files of a component."""
    return {each["content"] for files in component["externalReferences"] for each in files["hashes"]}


def test_each_pin_is_in_it_with_version_and_hashes_and_none_more(sbom: dict[str, Any]) -> None:
    """What pip installs is in the list, and of Debian packages what the installer asks for."""
    packages = [each for each in sbom["components"] if each["purl"].startswith("pkg:pypi/")]
    assert {f"{each['name']}=={each['version']}": hashes_of(each) for each in packages} == pinned()
    others = {each["name"] for each in sbom["components"]} - {each["name"] for each in packages}
    assert others == set(PACKAGES)
    assert len(sbom["components"]) == len(packages) + len(PACKAGES)


def test_it_keeps_to_the_standard() -> None:
    """CycloneDX 1.6, by the schema that comes with the library: nothing is fetched."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(TEXT) is None


def test_it_is_that_of_the_pins() -> None:
    """``make papers`` was run after the pins were changed; a second run makes the same."""
    assert make_sbom() == TEXT


def test_each_package_says_what_needs_it_and_its_licence(sbom: dict[str, Any]) -> None:
    """None of them stands there for no reason, and none without terms."""
    needed = {ref for each in sbom["dependencies"] for ref in each.get("dependsOn", ())}
    for each in sbom["components"]:
        assert each["bom-ref"] in needed, each["name"]
        assert each["purl"].startswith("pkg:deb/") or each["licenses"], each["name"]


def test_it_names_no_registry_and_no_machine() -> None:
    """The schema's own name is the only address in it."""
    assert set(re.findall(r"\w+://[^\"]+", TEXT)) == {"http://cyclonedx.org/schema/bom-1.6.schema.json"}
    assert str(ROOT) not in TEXT


def test_our_own_parts_are_in_it_and_no_others_files(sbom: dict[str, Any]) -> None:
    """The folders of Prosody's modules; no file of others lies among ours, where no list would name it."""
    root = sbom["metadata"]["component"]
    assert {each["name"] for each in root["components"]} == {
        path.name for path in (ROOT / "prosody_mod").iterdir() if any(path.glob("*.lua"))
    }
    for path in (ROOT / "prosody_mod").rglob("*.lua"):
        assert "This file is MIT licensed; see LICENSE." in path.read_text(encoding="utf-8"), path
    of_others = re.compile(r"copyright|\(c\)|@license|@preserve|sourceMappingURL", re.IGNORECASE)
    for path in (ROOT / "admin/static").iterdir():
        assert path.suffix in {".css", ".js", ".svg"}, path
        assert not of_others.search(path.read_text(encoding="utf-8")), path
