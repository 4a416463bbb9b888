"""Schools, organisers, the history of suspensions, and the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "schools",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("code", sa.String(6), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("trusted_networks", sa.JSON, nullable=False),
        sa.Column("suspended_at", moment),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schools"),
        sa.UniqueConstraint("code", name="uq_schools_code"),
    )
    op.create_table(
        "organisers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("school_id", sa.Integer, nullable=False),
        sa.Column("password_hash", sa.String(60), nullable=False),
        sa.Column("password_generated", sa.Boolean, nullable=False),
        sa.Column("credential_version", sa.Integer, nullable=False),
        sa.Column("valid_until", sa.Date),
        sa.Column("suspended_at", moment),
        sa.Column("last_login_on", sa.Date),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisers"),
        sa.UniqueConstraint("username", name="uq_organisers_username"),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_organisers_school_id_schools"),
    )
    op.create_index("ix_organisers_school_id", "organisers", ["school_id"])
    op.create_table(
        "suspensions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("organiser_id", sa.Integer),
        sa.Column("school_id", sa.Integer),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("reported_by", sa.String(40)),
        sa.Column("note", sa.String(200)),
        sa.Column("since", moment, nullable=False),
        sa.Column("suspended_by", sa.String(80), nullable=False),
        sa.Column("until", moment),
        sa.Column("reinstated_by", sa.String(80)),
        sa.PrimaryKeyConstraint("id", name="pk_suspensions"),
        sa.ForeignKeyConstraint(
            ["organiser_id"], ["organisers.id"], name="fk_suspensions_organiser_id_organisers"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_suspensions_school_id_schools"),
        sa.CheckConstraint(
            "(organiser_id IS NULL) <> (school_id IS NULL)", name=op.f("ck_suspensions_of_one")
        ),
    )
    op.create_index("ix_suspensions_organiser_id", "suspensions", ["organiser_id"])
    op.create_index("ix_suspensions_school_id", "suspensions", ["school_id"])
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_at", "audit_events", ["at"])
    op.create_index("ix_audit_events_subject", "audit_events", ["subject"])


def downgrade() -> None:
    for table in ("audit_events", "suspensions", "organisers", "schools"):
        op.drop_table(table)
