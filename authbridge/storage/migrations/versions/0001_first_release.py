"""All tables of the first release."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    for create in (
        _create_schools,
        _create_misuse,
        _create_revocations,
        _create_staff,
        _create_login,
        _create_shared,
    ):
        create()


def downgrade() -> None:
    for table in (
        "job_runs",
        "audit_events",
        "alarms_raised",
        "network_waits",
        "known_networks",
        "login_failures",
        "rejected_attempts",
        "login_attempts",
        "staff_sessions",
        "passkeys",
        "recovery_codes",
        "invitations",
        "staff",
        "rule_counts",
        "prosody_nodes",
        "revocations_done",
        "revocation_feed",
        "revocations",
        "misuse_reports",
        "report_codes",
        "monthly_totals",
        "suspensions",
        "organisers",
        "print_jobs",
        "schools",
        "terms_versions",
    ):
        op.drop_table(table)


def _create_schools() -> None:
    op.create_table(
        "terms_versions",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("dated_on", sa.Date, nullable=False),
        sa.Column("texts", sa.JSON, nullable=False),
        sa.Column("first_printed_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_terms_versions"),
    )
    op.create_table(
        "schools",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("code", sa.String(6), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("trusted_networks", sa.JSON, nullable=False),
        sa.Column("suspended_at", moment),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("street", sa.String(200), nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("mailbox", sa.String(254), nullable=False),
        sa.Column("contract_on", sa.Date),
        sa.Column("quota", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("terms_version", sa.Integer),
        sa.ForeignKeyConstraint(
            ["terms_version"], ["terms_versions.number"], name="fk_schools_terms_version_terms_versions"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_schools"),
        sa.UniqueConstraint("code", name="uq_schools_code"),
    )
    op.create_table(
        "print_jobs",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("school_id", sa.Integer, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("letters", sa.Integer, nullable=False),
        sa.Column("terms_version", sa.Integer),
        sa.ForeignKeyConstraint(
            ["terms_version"], ["terms_versions.number"], name="fk_print_jobs_terms_version_terms_versions"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_print_jobs_school_id_schools"),
        sa.PrimaryKeyConstraint("id", name="pk_print_jobs"),
    )
    op.create_index("ix_print_jobs_school_id", "print_jobs", ["school_id"])
    op.create_table(
        "organisers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("school_id", sa.Integer, nullable=False),
        sa.Column("password_hash", sa.String(160), nullable=False),
        sa.Column("password_generated", sa.Boolean, nullable=False),
        sa.Column("quick_check", sa.String(10)),
        sa.Column("print_job_id", sa.String(16)),
        sa.Column("credential_version", sa.Integer, nullable=False),
        sa.Column("previous_hash", sa.String(160)),
        sa.Column("previous_generated", sa.Boolean),
        sa.Column("previous_quick_check", sa.String(10)),
        sa.Column("previous_until", sa.Date),
        sa.Column("valid_until", sa.Date),
        sa.Column("suspended_at", moment),
        sa.Column("last_login_on", sa.Date),
        sa.Column("counted_in", sa.Date),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_organisers_school_id_schools"),
        sa.ForeignKeyConstraint(
            ["print_job_id"],
            ["print_jobs.id"],
            name="fk_organisers_print_job_id_print_jobs",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_organisers"),
        sa.UniqueConstraint("username", name="uq_organisers_username"),
    )
    op.create_index("ix_organisers_school_id", "organisers", ["school_id"])
    op.create_index("ix_organisers_print_job_id", "organisers", ["print_job_id"])
    op.create_index("ix_organisers_valid_until", "organisers", ["valid_until", "school_id"])
    op.create_table(
        "suspensions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("organiser_id", sa.Integer),
        sa.Column("school_id", sa.Integer),
        sa.Column("reason", sa.String(20)),
        sa.Column("reported_by", sa.String(40)),
        sa.Column("note", sa.String(200)),
        sa.Column("since", moment, nullable=False),
        sa.Column("suspended_by", sa.String(80), nullable=False),
        sa.Column("until", moment),
        sa.Column("reinstated_by", sa.String(80)),
        sa.CheckConstraint("(organiser_id IS NULL) <> (school_id IS NULL)", name="ck_suspensions_of_one"),
        sa.ForeignKeyConstraint(
            ["organiser_id"], ["organisers.id"], name="fk_suspensions_organiser_id_organisers"
        ),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_suspensions_school_id_schools"),
        sa.PrimaryKeyConstraint("id", name="pk_suspensions"),
    )
    op.create_index("ix_suspensions_organiser_id", "suspensions", ["organiser_id"])
    op.create_index("ix_suspensions_school_id", "suspensions", ["school_id"])
    op.create_table(
        "monthly_totals",
        sa.Column("school_id", sa.Integer, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.Column("active", sa.Integer, nullable=False),
        sa.Column("logins", sa.Integer, nullable=False),
        sa.Column("meetings", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_monthly_totals_school_id_schools"),
        sa.PrimaryKeyConstraint("school_id", "month", name="pk_monthly_totals"),
    )


def _create_misuse() -> None:
    op.create_table(
        "report_codes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("school_id", sa.Integer, nullable=False),
        sa.Column("code_hash", sa.String(32), nullable=False),
        sa.Column("print_job_id", sa.String(16)),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("used_at", moment),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_report_codes_school_id_schools"),
        sa.ForeignKeyConstraint(
            ["print_job_id"],
            ["print_jobs.id"],
            name="fk_report_codes_print_job_id_print_jobs",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_report_codes"),
        sa.UniqueConstraint("code_hash", name="uq_report_codes_code_hash"),
    )
    op.create_index("ix_report_codes_school_id", "report_codes", ["school_id"])
    op.create_index("ix_report_codes_print_job_id", "report_codes", ["print_job_id"])
    op.create_table(
        "misuse_reports",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("school_id", sa.Integer, nullable=False),
        sa.Column("organiser_id", sa.Integer),
        sa.Column("at", moment, nullable=False),
        sa.Column("happened", sa.String(80), nullable=False),
        sa.Column("description", sa.String(400), nullable=False),
        sa.Column("reported_by", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("report_code_id", sa.Integer),
        sa.Column("suspension_id", sa.Integer),
        sa.Column("closed_at", moment),
        sa.Column("closed_by", sa.String(80)),
        sa.Column("result", sa.String(20)),
        sa.Column("result_note", sa.String(200)),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name="fk_misuse_reports_school_id_schools"),
        sa.ForeignKeyConstraint(
            ["organiser_id"],
            ["organisers.id"],
            name="fk_misuse_reports_organiser_id_organisers",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["report_code_id"],
            ["report_codes.id"],
            name="fk_misuse_reports_report_code_id_report_codes",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["suspension_id"],
            ["suspensions.id"],
            name="fk_misuse_reports_suspension_id_suspensions",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_misuse_reports"),
    )
    for column in ("school_id", "organiser_id", "at", "closed_at"):
        op.create_index(f"ix_misuse_reports_{column}", "misuse_reports", [column])


def _create_revocations() -> None:
    op.create_table(
        "revocations",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("suspension_id", sa.Integer),
        sa.ForeignKeyConstraint(
            ["suspension_id"],
            ["suspensions.id"],
            name="fk_revocations_suspension_id_suspensions",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
    )
    op.create_index("ix_revocations_at", "revocations", ["at"])
    op.create_index("ix_revocations_suspension_id", "revocations", ["suspension_id"])
    op.create_index("ix_revocations_username", "revocations", ["username"])
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
        sa.Column("waiting", sa.Integer),
        sa.ForeignKeyConstraint(
            ["revocation_id"],
            ["revocations.id"],
            name="fk_revocations_done_revocation_id_revocations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("revocation_id", "node", name="pk_revocations_done"),
    )
    op.create_table(
        "prosody_nodes",
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("cursor", sa.Integer),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.Column("meetings", sa.JSON, nullable=False),
        sa.Column("opened_run", sa.String(64)),
        sa.Column("opened_number", sa.Integer),
        sa.PrimaryKeyConstraint("node", name="pk_prosody_nodes"),
    )
    op.create_table(
        "rule_counts",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "rule", name="pk_rule_counts"),
    )


def _create_staff() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("password_hash", sa.String(60)),
        sa.Column("factor_secret", sa.String(200)),
        sa.Column("factor_step", sa.Integer),
        sa.Column("void_step", sa.Integer),
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
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_invitations_staff_id_staff", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("staff_id", name="pk_invitations"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("staff_id", sa.Integer, nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_recovery_codes_staff_id_staff", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_codes"),
    )
    op.create_index("ix_recovery_codes_staff_id", "recovery_codes", ["staff_id"])
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("staff_id", sa.Integer, nullable=False),
        sa.Column("label", sa.String(40), nullable=False),
        sa.Column("credential_id", sa.String(1364), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_used_on", sa.Date),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_passkeys_staff_id_staff", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
    )
    op.create_index("ix_passkeys_staff_id", "passkeys", ["staff_id"])
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
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_staff_sessions_staff_id_staff", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id_hash", name="pk_staff_sessions"),
    )
    op.create_index("ix_staff_sessions_seen_at", "staff_sessions", ["seen_at"])
    op.create_index("ix_staff_sessions_staff_id", "staff_sessions", ["staff_id"])


def _create_login() -> None:
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
        sa.ForeignKeyConstraint(
            ["organiser_id"],
            ["organisers.id"],
            name="fk_login_attempts_organiser_id_organisers",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_login_attempts"),
    )
    op.create_index("ix_login_attempts_at", "login_attempts", ["at"])
    op.create_index("ix_login_attempts_organiser_id", "login_attempts", ["organiser_id", "at"])
    for name, columns, only in (
        ("unknown_name", ["unknown_name"], sa.text("unknown_name IS NOT NULL")),
        ("verdict", ["verdict", "at"], sa.text("verdict <> 'granted'")),
    ):
        op.create_index(
            f"ix_login_attempts_{name}", "login_attempts", columns, sqlite_where=only, postgresql_where=only
        )
    op.create_table(
        "rejected_attempts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("minute", moment, nullable=False),
        sa.Column("organiser_id", sa.Integer),
        sa.Column("pair", sa.String(64), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("repeated", sa.Integer, nullable=False),
        sa.Column("locked", sa.Integer, nullable=False),
        sa.Column("unavailable", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["organiser_id"],
            ["organisers.id"],
            name="fk_rejected_attempts_organiser_id_organisers",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rejected_attempts"),
        sa.UniqueConstraint("minute", "pair", name="uq_rejected_attempts_minute"),
    )
    op.create_index("ix_rejected_attempts_minute", "rejected_attempts", ["minute"])
    op.create_index("ix_rejected_attempts_organiser_id", "rejected_attempts", ["organiser_id", "minute"])
    op.create_table(
        "login_failures",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("name_key", sa.String(32), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("from_unfamiliar_network", sa.Boolean, nullable=False),
        sa.Column("fingerprint", sa.SmallInteger),
        sa.Column("wait", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_failures"),
        sqlite_autoincrement=True,
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
        "alarms_raised",
        sa.Column("about", sa.String(100), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("about", name="pk_alarms_raised"),
    )


def _create_shared() -> None:
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
    op.create_table(
        "job_runs",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("done_at", moment, nullable=False),
        sa.Column("position", sa.Integer),
        sa.PrimaryKeyConstraint("name", name="pk_job_runs"),
    )
