#!/usr/bin/env bash
# PostgreSQL keeps values of deleted rows in its planner's statistics for as long as their table stays empty.
#
# Seen with PostgreSQL 15.18 (Debian 12).  ANALYZE copies common values of each column into pg_statistic, in clear.  Of an empty
# table it makes no new statistics and leaves the old ones, and so do VACUUM, VACUUM FULL and TRUNCATE.  A table of logins that is emptied
# by its retention in a holiday goes on telling addresses, to its owner in the view pg_stats and to everybody who reads the files.
# What helps: ALTER COLUMN … SET STATISTICS 0 for such columns, before there are any; ALTER COLUMN … TYPE removes what is there.
#
# Needs root: PostgreSQL does not run as root, so it runs as nobody.
#
# Output seen: "values left: 3 after DELETE and VACUUM (FULL, ANALYZE), 3 after TRUNCATE, 0 after ALTER COLUMN TYPE"
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
for package in postgresql-15=15.18-0+deb12u1 postgresql-client-15=15.18-0+deb12u1 libpq5=15.18-0+deb12u1; do
  apt-get download -qq "$package"
done
for file in ./*.deb; do dpkg -x "$file" tree; done
programs=$folder/tree/usr/lib/postgresql/15/bin
export LD_LIBRARY_PATH=$folder/tree/usr/lib/x86_64-linux-gnu PGHOST=$folder/sockets PGUSER=probe PGDATABASE=postgres
mkdir data sockets
chown nobody data sockets
as_nobody() { setpriv --reuid=nobody --clear-groups "$@"; }
as_nobody "$programs/initdb" --pgdata="$folder/data" --username=probe --no-sync >initdb.log
as_nobody "$programs/postgres" -D "$folder/data" -k "$folder/sockets" -h "" -c fsync=off >server.log 2>&1 &
pid=$!
for _ in $(seq 100); do "$programs/pg_isready" -q && break || sleep 0.1; done
sql() { "$programs/psql" --quiet --no-align --tuples-only --command="$1"; }
left() { sql "SELECT coalesce(sum(array_length(most_common_vals::text::text[], 1)), 0) FROM pg_stats WHERE tablename = 'logins'"; }

sql "CREATE TABLE logins (address varchar(45))"
sql "INSERT INTO logins SELECT '203.0.113.' || n % 3 FROM generate_series(1, 300) AS n"
sql "ANALYZE logins"
sql "DELETE FROM logins"
sql "VACUUM (FULL, ANALYZE) logins"
deleted=$(left)
sql "TRUNCATE logins"
sql "ANALYZE logins"
truncated=$(left)
sql "ALTER TABLE logins ALTER COLUMN address TYPE varchar(45)"

said="values left: $deleted after DELETE and VACUUM (FULL, ANALYZE), $truncated after TRUNCATE, $(left) after ALTER COLUMN TYPE"
echo "$said"
if [ "$said" != "values left: 3 after DELETE and VACUUM (FULL, ANALYZE), 3 after TRUNCATE, 0 after ALTER COLUMN TYPE" ]; then
  echo "PostgreSQL's statistics behave differently now." >&2
  exit 1
fi
