"""Who has been here, and which uploads that came to nothing their senders have done with."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0014_users"
down_revision = "0013_reference"
branch_labels = None
depends_on = None

_HAVE_USERS = ("strategies", "datasets", "backtests", "jobs", "uploads", "storage_accounts", "event_counters")


def upgrade() -> None:
    """Apply."""
    users = op.create_table(
        "users",
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
    )
    # Whoever has anything here has been here. The one owner of a local installation is nobody to share with.
    found = sa.union(
        *(
            sa.select(sa.column("user_id", sa.String)).select_from(sa.table(name)).where(sa.text("user_id IS NOT NULL"))
            for name in _HAVE_USERS
        )
    ).subquery()
    now = sa.literal(datetime.now(UTC).replace(tzinfo=None), sa.DateTime())
    everybody = sa.select(found.c.user_id, now).where(found.c.user_id != "local")
    op.execute(sa.insert(users).from_select(["user_id", "first_seen_at"], everybody))
    op.add_column("uploads", sa.Column("dismissed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_connector_runs_upload_id"), "connector_runs", ["upload_id"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_connector_runs_upload_id"), "connector_runs")
    op.drop_column("uploads", "dismissed")
    op.drop_table("users")
