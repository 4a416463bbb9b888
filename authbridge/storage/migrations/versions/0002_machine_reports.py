"""What the doctor found on each machine."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "machine_reports",
        sa.Column("machine", sa.String(64), nullable=False),
        sa.Column("examined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("machine", name=op.f("pk_machine_reports")),
    )


def downgrade() -> None:
    op.drop_table("machine_reports")
