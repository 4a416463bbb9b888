#!/usr/bin/env bash
# Pins every Python package with its hashes: deploy/requirements.txt (what runs), tests/requirements.txt (all of that and the tests).
# The files hold no download address; pip asks wherever it is set up to ask.
# Afterwards: `make test` installs what was pinned, and `make papers` writes the bill of materials (deploy/papers/sbom.cdx.json) of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The distribution's own Python: packages that want a newer one than a Debian 12 machine has are passed over.
tools=.cache/lock
[ -x $tools/bin/pip-compile ] || { /usr/bin/python3 -m venv $tools && $tools/bin/python -m pip install --quiet pip-tools; }

compile() { # compile OUTPUT OPTION...
    local output=$1
    shift
    $tools/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
        --no-emit-index-url --no-emit-find-links --extra postgresql "$@" --output-file "$output" pyproject.toml
}

compile deploy/requirements.txt
compile tests/requirements.txt --extra test --constraint deploy/requirements.txt
