"""The state of the login policy, and the journal of attempts that were turned away."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "denied_attempts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("minute", moment, nullable=False),
        sa.Column("organiser_id", sa.Integer),
        sa.Column("pair", sa.String(64), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("repeated", sa.Integer, nullable=False),
        sa.Column("locked", sa.Integer, nullable=False),
        sa.Column("unavailable", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_denied_attempts"),
        sa.ForeignKeyConstraint(
            ["organiser_id"],
            ["organisers.id"],
            name="fk_denied_attempts_organiser_id_organisers",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("minute", "pair", name="uq_denied_attempts_minute"),
    )
    op.create_index("ix_denied_attempts_minute", "denied_attempts", ["minute"])
    op.create_index("ix_denied_attempts_organiser_id", "denied_attempts", ["organiser_id"])
    op.create_table(
        "login_failures",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("name_key", sa.String(32), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("outside", sa.Boolean, nullable=False),
        sa.Column("fingerprint", sa.SmallInteger),
        sa.Column("wait", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_failures"),
    )
    op.create_index("ix_login_failures_at", "login_failures", ["at"])
    op.create_index("ix_login_failures_name_key", "login_failures", ["name_key", "at"])
    op.create_index("ix_login_failures_network", "login_failures", ["network", "at"])
    op.create_table(
        "known_networks",
        sa.Column("pair_key", sa.String(32), nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("pair_key", name="pk_known_networks"),
    )
    op.create_index("ix_known_networks_seen_at", "known_networks", ["seen_at"])
    op.create_table(
        "network_waits",
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("until", moment, nullable=False),
        sa.PrimaryKeyConstraint("network", name="pk_network_waits"),
    )
    op.create_table(
        "alarms_told",
        sa.Column("about", sa.String(100), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("about", name="pk_alarms_told"),
    )


def downgrade() -> None:
    for table in ("alarms_told", "network_waits", "known_networks", "login_failures", "denied_attempts"):
        op.drop_table(table)
