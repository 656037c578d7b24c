"""What the settings of one run come to: data, dates, cash and costs, with the server's defaults filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from ..auth import Caller
from ..errors import Invalid
from ..models.costs import CommissionTerms, SlippageTerms
from ..models.strategies import OneRun
from .backtest_checks import check_dates, check_options
from .feature_sets import FeatureChoice, choose
from .run_defaults import RunDefaults
from .selections import Selection, pinned, select_for_run


@dataclass(frozen=True)
class RunTerms:
    """What a run is made on.

    Attributes:
        selection: Dataset and symbols.
        start: First day.
        end: Last day.
        cash: Starting cash.
        commission: Fraction of notional, or the terms.
        slippage: Fraction of price, or the terms.
        benchmark: What it is compared with.
        features: What the strategy reads beside it, by name.
        reference: Splits and dividends that the prices go through.
    """

    selection: Selection
    start: datetime
    end: datetime
    cash: Decimal
    commission: Decimal | CommissionTerms
    slippage: Decimal | SlippageTerms
    benchmark: str | None = None
    features: dict[str, FeatureChoice] = field(default_factory=dict)
    reference: FeatureChoice | None = None


def decide(
    session: Session, who: Caller, reference: str, settings: OneRun, defaults: RunDefaults, seed: int
) -> RunTerms:
    """Resolve and check the settings of a run.

    Args:
        session: The transaction.
        who: Whose run it is.
        reference: The dataset: id or name, ``name/SYMBOL`` for one symbol.
        settings: What was asked for.
        defaults: What is taken where nothing was.
        seed: Of the run.

    Raises:
        Invalid: Something that there is not, or that the engine refuses; it names the field.
    """
    selection = select_for_run(session, who, reference)
    start, end = check_dates(selection, settings.start_date, settings.end_date)
    against = None
    if settings.benchmark is not None:
        against = select_for_run(session, who, settings.benchmark, "benchmark")
        if against.symbol_count != 1:
            raise Invalid.field(
                "benchmark", f"{against.name} has several symbols: choose one", code="UNKNOWN_SYMBOL"
            )
    cash = defaults.initial_capital if settings.initial_capital is None else settings.initial_capital
    commission = _commission(settings, defaults)
    slippage = defaults.slippage if settings.slippage is None else settings.slippage
    check_options(
        cash=cash,
        commission=commission,
        slippage=slippage,
        profile=settings.profile,
        risk_free_rate=settings.risk_free_rate,
        seed=seed,
        rules=settings.rules,
    )
    # As what it is now: a later version of a dataset is not what was asked for. Another's is known by its id alone.
    benchmark = None if settings.benchmark is None or against is None else pinned(settings.benchmark, against)
    beside = [selection] if against is None else [selection, against]
    chosen = choose(session, who, settings.features, settings.reference, beside)
    return RunTerms(
        selection, start, end, cash, commission, slippage, benchmark, chosen.features, chosen.reference
    )  # fmt: skip


def _commission(settings: OneRun, defaults: RunDefaults) -> Decimal | CommissionTerms:
    """What was asked for, else the profile's own, else the server's default."""
    from alphintra_backtest.profiles import COMMISSIONS

    if settings.commission is not None:
        return settings.commission
    own = COMMISSIONS.get(settings.profile)
    return defaults.commission if own is None else CommissionTerms.model_validate(own)
