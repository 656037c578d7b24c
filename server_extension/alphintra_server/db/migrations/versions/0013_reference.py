"""Backtests keep the reference data that their prices go through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_reference"
down_revision = "0012_sealed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("backtests", sa.Column("reference", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("backtests", "reference")
