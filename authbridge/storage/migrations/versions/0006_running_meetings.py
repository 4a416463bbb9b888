"""The meetings that run on each Prosody now: how many, by the organiser who started them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("prosody_nodes", sa.Column("meetings", sa.JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("prosody_nodes", "meetings")
