#!/usr/bin/env bash
# Brings the translations up to date: those of the panel with its sentences and with the errors that it shows, and
# those of the login page with its own.
# New ones stand in messages.po with an empty msgstr then; a test says so until somebody has translated them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BABEL=.venv/bin/pybabel

keywords=(-k _l)
for error in ChangedMeanwhileError ConfigurationError ConflictError InputError NotFoundError NotUnderstoodError QuotaError StaleImportError StaleSelectionError Remark TermsError WorkError _CodeError; do
    keywords+=(-k "$error")
done

# translate PLACE WORDS SOURCE…: WORDS is the file in .cache with the sentences that were found.
translate() {
    local place=$1 words=.cache/$2 catalogue=$1/translations/de/LC_MESSAGES/messages.po
    shift 2
    $BABEL --quiet extract --mapping-file "$place/babel.cfg" --no-location --sort-output --omit-header \
        "${keywords[@]}" --output-file "$words" "$@"
    $BABEL --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap \
        --input-file "$words" --output-dir "$place/translations" --locale de
    # Neither names nor the dates of today, which would change with every call.
    sed -i -E \
        -e 's/^("Project-Id-Version:) +/\1 /' \
        -e 's/^("(Report-Msgid-Bugs-To|Last-Translator|Language-Team):).*/\1 AuthBridge\\n"/' \
        -e 's/^("(POT-Creation-Date|PO-Revision-Date):).*/\1 2026-01-01 00:00+0000\\n"/' \
        "$catalogue"
    $BABEL --quiet compile --directory "$place/translations"
}

mkdir -p .cache
translate admin messages.pot admin authbridge
translate authbridge/login_page login_page.pot authbridge/login_page
