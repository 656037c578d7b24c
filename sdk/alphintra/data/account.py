"""Instruments, the account's currency and exchange rates, as an account sees market data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from alphintra.data.instrument import INSTRUMENT_FIELDS, Instrument, check_currency, did_you_mean
from alphintra.data.market import MarketData
from alphintra.data.rates import check_rates, hashed, parse_rates
from alphintra.errors import DataError


def with_account(market: MarketData, instruments: Any, currency: Any, rates: Any) -> MarketData:
    """Return market data for an account: see :func:`alphintra.data.resolve`.

    Raises:
        DataError: An instrument, the currency or a rate cannot be used; an instrument is quoted in
            a currency without a rate.
    """
    own = dict(market.instruments)
    account = market.currency if currency is None else check_currency(currency, "currency")
    if account != market.currency:
        if market.rates and rates is None:
            raise DataError(
                f"the rates of '{market.name}' are into {market.currency}, not {account}",
                code="BAD_CURRENCY",
                hint="Give rates= again.",
            )
        if market.quoted_in is None:
            # Nobody said what the prices are in, so they are in the account's currency.
            own = {
                symbol: replace(each, currency=None) if each.currency == market.currency else each
                for symbol, each in own.items()
            }
    own.update(_parsed(instruments, market))
    if own == market.instruments and account == market.currency and rates is None:
        return check_rates(market)  # the same object: what was made for it once is found again
    market = replace(market, instruments=own, currency=account)
    if rates is not None:
        found = parse_rates(rates, market)
        market = replace(market, rates=found, dataset_hash=hashed(market.dataset_hash, found))
    return check_rates(market)


def _parsed(given: Any, market: MarketData) -> dict[str, Instrument]:
    if given is None:
        return {}
    if isinstance(given, Instrument):
        return dict.fromkeys(market.symbols, given)
    if not isinstance(given, Mapping):
        raise DataError(
            f"instruments is a {type(given).__name__}",
            code="BAD_INSTRUMENT",
            hint='Write instruments={"AAPL": al.Instrument(lot=1)}, or one instrument for all.',
        )
    out = {}
    for symbol, each in given.items():
        if symbol not in market.bars:
            hint = did_you_mean(str(symbol), market.symbols) + f"It has {', '.join(market.symbols[:20])}."
            if symbol in INSTRUMENT_FIELDS:
                hint = "Its keys are symbols; one instrument for all is al.Instrument(…)."
            raise DataError(
                f"instruments: there is no symbol {symbol!r} in '{market.name}'",
                code="UNKNOWN_SYMBOL",
                hint=hint,
            )
        out[str(symbol)] = _instrument(each, str(symbol))
    return out


def _instrument(given: Any, symbol: str) -> Instrument:
    if isinstance(given, Instrument):
        return given
    if not isinstance(given, Mapping):
        raise DataError(
            f"the instrument of '{symbol}' is a {type(given).__name__}",
            code="BAD_INSTRUMENT",
            hint="Give al.Instrument(…) or a dict of its fields.",
        )
    for name in given:
        if name not in INSTRUMENT_FIELDS:
            raise DataError(
                f"an instrument has no field {name!r}",
                code="BAD_INSTRUMENT",
                where=symbol,
                hint=did_you_mean(str(name), INSTRUMENT_FIELDS) + f"It has {', '.join(INSTRUMENT_FIELDS)}.",
            )
    try:
        return Instrument(**given)
    except DataError as error:
        raise DataError(error.message, code=error.code, hint=error.hint, where=symbol) from None
