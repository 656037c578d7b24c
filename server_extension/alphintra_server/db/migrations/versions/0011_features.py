"""Backtests keep the datasets that a strategy reads beside its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_features"
down_revision = "0010_connectors"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("backtests", sa.Column("features", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("backtests", "features")
