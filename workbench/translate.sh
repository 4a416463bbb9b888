#!/usr/bin/env bash
# Brings admin/translations up to date with the sentences in the panel and in the errors that it shows.
# New ones stand in messages.po with an empty msgstr then; a test says so until somebody has translated them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BABEL=.venv/bin/pybabel CATALOGUE=.cache/messages.pot TRANSLATIONS=admin/translations

keywords=(-k _l)
for error in ChangedMeanwhileError ConflictError InputError NotFoundError QuotaError WorkError _CodeError; do
    keywords+=(-k "$error")
done

mkdir -p .cache
$BABEL --quiet extract --mapping-file admin/babel.cfg --no-location --sort-output --omit-header \
    "${keywords[@]}" --output-file $CATALOGUE admin authbridge
$BABEL --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap \
    --input-file $CATALOGUE --output-dir $TRANSLATIONS --locale de
$BABEL --quiet compile --directory $TRANSLATIONS
