#!/usr/bin/env bash
# LibreOffice rewrites short codes such as 0123, 1e5 or 12-3 when it opens a CSV file, whether they are quoted or not.
#
# Seen with LibreOffice 7.4.7 (Debian 12).  A cell that looks like a number is one, unless somebody chooses "Text" for the
# column or "quoted fields as text" in the dialog: leading zeros go, 1e5 becomes 1.00E+05, a long number ends in E+19.
# Quotation marks around the field, which mark a text elsewhere, change nothing.  Saved as CSV again, the number stands there
# for good.  An apostrophe before it does help: LibreOffice keeps it, as a character of the cell, and writes it back.
#
# So our own lists put an apostrophe before such cells, as before formulas, and an import takes it away again.  A table that
# somebody else made has lost its zeros before we see it: a password like 1,23457E+11 is refused with its line for that reason.
#
# Output seen: "0123 and 1e5 and 12345678901234567890 came back as: 123 1.00E+05 1.23456789012346E+019; with an apostrophe: unchanged"
set -euo pipefail

if [ ! -x /usr/bin/soffice ]; then
  apt-get install --yes -qq --no-install-recommends libreoffice-calc >/dev/null
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

convert() { HOME=$folder soffice "-env:UserInstallation=file://$folder/profile" --headless "$@" >/dev/null 2>&1; }

printf '%s\r\n' 'plain;guarded' "\"0123\";'0123" "\"1e5\";'1e5" "\"12345678901234567890\";'12345678901234567890" >table.csv
convert --infilter=CSV:59,34,76,1 --convert-to ods table.csv
convert --convert-to 'csv:Text - txt - csv (StarCalc):59,34,76,1' --outdir again table.ods

plain=$(tail -n +2 again/table.csv | cut -d ';' -f 1 | xargs)
guarded=$(tail -n +2 again/table.csv | cut -d ';' -f 2 | tr -d "'" | tr -d '"' | xargs)
[ "$guarded" = '0123 1e5 12345678901234567890' ] && guarded=unchanged
echo "0123 and 1e5 and 12345678901234567890 came back as: $plain; with an apostrophe: $guarded"
if [ "$plain" = '0123 1e5 12345678901234567890' ]; then
  echo "LibreOffice leaves quoted numbers alone now." >&2
  exit 1
fi
