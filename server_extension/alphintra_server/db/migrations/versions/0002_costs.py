"""Backtests keep the terms of costs that are more than a fraction."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_costs"
down_revision = "0001_spine"
branch_labels = None
depends_on = None

_COLUMNS = ("commission_terms", "slippage_terms")


def upgrade() -> None:
    """Apply."""
    for name in _COLUMNS:
        op.add_column("backtests", sa.Column(name, sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Undo."""
    for name in _COLUMNS:
        op.drop_column("backtests", name)
