"""The remembered logins that are still to be deleted, by revocation and Prosody."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("revocations_done", sa.Column("waiting", sa.Integer))


def downgrade() -> None:
    op.drop_column("revocations_done", "waiting")
