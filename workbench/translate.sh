#!/usr/bin/env bash
# Brings admin/translations up to date with the sentences in the panel and in the errors that it shows.
# New ones stand in messages.po with an empty msgstr then; a test says so until somebody has translated them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BABEL=.venv/bin/pybabel CATALOGUE=.cache/messages.pot TRANSLATIONS=admin/translations

keywords=(-k _l)
for error in ChangedMeanwhileError ConfigurationError ConflictError InputError NotFoundError NotUnderstoodError QuotaError StaleImportError StaleSelectionError Remark TermsError WorkError _CodeError; do
    keywords+=(-k "$error")
done

mkdir -p .cache
$BABEL --quiet extract --mapping-file admin/babel.cfg --no-location --sort-output --omit-header \
    "${keywords[@]}" --output-file $CATALOGUE admin authbridge
$BABEL --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap \
    --input-file $CATALOGUE --output-dir $TRANSLATIONS --locale de
# Neither names nor the dates of today, which would change with every call.
sed -i -E \
    -e 's/^("Project-Id-Version:) +/\1 /' \
    -e 's/^("(Report-Msgid-Bugs-To|Last-Translator|Language-Team):).*/\1 AuthBridge\\n"/' \
    -e 's/^("(POT-Creation-Date|PO-Revision-Date):).*/\1 2026-01-01 00:00+0000\\n"/' \
    $TRANSLATIONS/de/LC_MESSAGES/messages.po
$BABEL --quiet compile --directory $TRANSLATIONS
