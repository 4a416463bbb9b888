"""What was left after each night's deletion; PostgreSQL's planner keeps no values of short-lived rows."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Of tables whose rows live for a week at most: ANALYZE keeps common values of a column, and leaves them where
# they are once the table is empty.
SHORT_LIVED = {
    "login_attempts": {"request_id": 64, "unknown_name": 32, "ip": 45, "user_agent": 256},
    "rejected_attempts": {"pair": 64, "network": 64},
    "login_failures": {"name_key": 32, "network": 64},
    "known_networks": {"pair_key": 32},
    "network_waits": {"network": 64},
    "alarms_raised": {"about": 100},
    "staff_sessions": {"id_hash": 64, "user_agent": 256},
}


def upgrade() -> None:
    op.create_table(
        "deletion_records",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("log_emptied", sa.Boolean(), nullable=False),
        sa.Column("tables", sa.JSON(), nullable=False),
        sa.Column("logs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_deletion_records")),
    )
    _keep_statistics(0)


def downgrade() -> None:
    op.drop_table("deletion_records")
    _keep_statistics(-1)


def _keep_statistics(target: int) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in SHORT_LIVED.items():
        for column, length in columns.items():
            # The type stays, but with it PostgreSQL forgets the values that it knows.
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE VARCHAR({length})")
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS {target}")
