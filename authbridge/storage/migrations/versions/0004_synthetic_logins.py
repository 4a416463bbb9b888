"""Logins that the program itself tries through Prosody."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "synthetic_logins",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("machine", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("username", sa.String(64), nullable=True),
        sa.Column("password_hash", sa.String(160), nullable=True),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.Column("detail", sa.String(100), nullable=False),
        sa.Column("milliseconds", sa.Integer, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synthetic_logins")),
        sa.UniqueConstraint("username", name=op.f("uq_synthetic_logins_username")),
    )
    op.create_index("ix_synthetic_logins_at", "synthetic_logins", ["at"])


def downgrade() -> None:
    op.drop_table("synthetic_logins")
