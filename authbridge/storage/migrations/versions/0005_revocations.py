"""The feed of revocations, which Prosodys follow it, and what they carried out."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "revocations",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
    )
    op.create_index("ix_revocations_username", "revocations", ["username"])
    op.create_index("ix_revocations_at", "revocations", ["at"])
    feed = op.create_table(
        "revocation_feed",
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("last_id", sa.Integer, nullable=False),
        sa.Column("purged_to", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("epoch", name="pk_revocation_feed"),
    )
    op.bulk_insert(feed, [{"epoch": secrets.token_hex(16), "last_id": 0, "purged_to": 0}])
    op.create_table(
        "revocations_done",
        sa.Column("revocation_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("sessions", sa.Integer),
        sa.Column("meetings", sa.Integer),
        sa.Column("logins", sa.Integer),
        sa.PrimaryKeyConstraint("revocation_id", "node", name="pk_revocations_done"),
        sa.ForeignKeyConstraint(
            ["revocation_id"],
            ["revocations.id"],
            name="fk_revocations_done_revocation_id_revocations",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "prosody_nodes",
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("cursor", sa.Integer),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("node", name="pk_prosody_nodes"),
    )


def downgrade() -> None:
    for table in ("prosody_nodes", "revocations_done", "revocation_feed", "revocations"):
        op.drop_table(table)
