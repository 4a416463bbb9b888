"""The panel: what it keeps of schools, staff with their sessions, and print jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("street", sa.String(200), nullable=False, server_default=""),
        sa.Column("place", sa.String(200), nullable=False, server_default=""),
        sa.Column("mailbox", sa.String(254), nullable=False, server_default=""),
        sa.Column("contract_on", sa.Date),
        sa.Column("quota", sa.Integer, nullable=False, server_default="50"),
        sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    ):
        op.add_column("schools", column)
    _let_reason_be_missing(missing=True)
    op.create_table(
        "print_jobs",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("school_id", sa.Integer, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("letters", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_print_jobs"),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_print_jobs_school_id_schools"),
    )
    op.create_index("ix_print_jobs_school_id", "print_jobs", ["school_id"])
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("password_hash", sa.String(60)),
        sa.Column("factor_secret", sa.String(200)),
        sa.Column("factor_step", sa.Integer),
        sa.Column("enrolled_at", moment),
        sa.Column("suspended_at", moment),
        sa.Column("last_sign_in_on", sa.Date),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("name", name="uq_staff_name"),
    )
    op.create_table(
        "invitations",
        sa.Column("staff_id", sa.Integer, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name="pk_invitations"),
        _of_staff("invitations"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("staff_id", sa.Integer, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_codes"),
        _of_staff("recovery_codes"),
    )
    op.create_index("ix_recovery_codes_staff_id", "recovery_codes", ["staff_id"])
    op.create_table(
        "staff_sessions",
        sa.Column("id_hash", sa.String(64), nullable=False),
        sa.Column("staff_id", sa.Integer, nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("factor_at", moment),
        sa.Column("pending_secret", sa.String(200)),
        sa.Column("user_agent", sa.String(256)),
        sa.Column("notices", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name="pk_staff_sessions"),
        _of_staff("staff_sessions"),
    )
    op.create_index("ix_staff_sessions_staff_id", "staff_sessions", ["staff_id"])
    op.create_index("ix_staff_sessions_seen_at", "staff_sessions", ["seen_at"])


def _of_staff(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["staff_id"], ["staff.id"], name=f"fk_{table}_staff_id_staff", ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in ("staff_sessions", "recovery_codes", "invitations", "staff", "print_jobs"):
        op.drop_table(table)
    op.execute("UPDATE suspensions SET reason = 'other' WHERE reason IS NULL")
    _let_reason_be_missing(missing=False)
    # One by one: to build the table anew would take away what others refer to.
    for column in ("street", "place", "mailbox", "contract_on", "quota", "revision"):
        op.drop_column("schools", column)


def _let_reason_be_missing(*, missing: bool) -> None:
    # SQLite builds the table anew; what it is to look like stands here, for it tells no CHECK on being asked.
    suspensions = sa.Table(
        "suspensions",
        sa.MetaData(),
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("organiser_id", sa.Integer),
        sa.Column("school_id", sa.Integer),
        sa.Column("reason", sa.String(20), nullable=missing),
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
        sa.Index("ix_suspensions_organiser_id", "organiser_id"),
        sa.Index("ix_suspensions_school_id", "school_id"),
    )
    with op.batch_alter_table("suspensions", copy_from=suspensions) as changed:
        changed.alter_column("reason", existing_type=sa.String(20), nullable=missing)
