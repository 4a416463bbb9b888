"""Tokens of sessions that change while the session goes on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("staff_sessions", sa.Column("token_hash", sa.String(64)))
    op.execute("UPDATE staff_sessions SET token_hash = id_hash")  # until now the token was the id alone
    with op.batch_alter_table("staff_sessions") as table:
        table.alter_column("token_hash", existing_type=sa.String(64), nullable=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE staff_sessions ALTER COLUMN token_hash SET STATISTICS 0")  # see 0003


def downgrade() -> None:
    op.drop_column("staff_sessions", "token_hash")
