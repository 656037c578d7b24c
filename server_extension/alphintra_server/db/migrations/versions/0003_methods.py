"""Backtests have a profile and a method; results say how many trials they add."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_methods"
down_revision = "0002_costs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("backtests", sa.Column("profile", sa.String(40), nullable=False, server_default="default"))
    op.add_column("backtests", sa.Column("method", sa.JSON(none_as_null=True), nullable=True))
    # A result that was there before is one plain run.
    op.add_column("backtest_results", sa.Column("trials", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("backtest_results", sa.Column("trial_spread", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("backtest_results", sa.Column("earlier_trials", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("backtest_results", sa.Column("earlier_trials_since", sa.DateTime(), nullable=True))


def downgrade() -> None:
    """Undo."""
    for name in ("earlier_trials_since", "earlier_trials", "trial_spread", "trials"):
        op.drop_column("backtest_results", name)
    op.drop_column("backtests", "method")
    op.drop_column("backtests", "profile")
