"""The journal of logins, and when its rows were last deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("organiser_id", sa.Integer),
        sa.Column("unknown_name", sa.String(32)),
        sa.Column("ip", sa.String(45)),
        sa.Column("user_agent", sa.String(256)),
        sa.Column("transport", sa.String(16), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("reason", sa.String(32)),
        sa.Column("closed_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_login_attempts"),
        sa.ForeignKeyConstraint(
            ["organiser_id"],
            ["organisers.id"],
            name="fk_login_attempts_organiser_id_organisers",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_login_attempts_at", "login_attempts", ["at"])
    op.create_index("ix_login_attempts_organiser_id", "login_attempts", ["organiser_id"])
    op.create_table(
        "chores",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("done_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )


def downgrade() -> None:
    for table in ("chores", "login_attempts"):
        op.drop_table(table)
