"""What of a return comes from risk factors."""

from __future__ import annotations

from typing import Any


def compute_exposures(positions: Any, factor_loadings: Any) -> Any:
    """Return the exposure to each factor: Σ position × loading.

    Args:
        positions: Series of holdings as fractions, indexed by date and ticker (levels ``dt``, ``ticker``).
        factor_loadings: DataFrame on the same index, a column per factor.

    Returns:
        DataFrame by date, a column per factor.
    """
    return factor_loadings.multiply(positions, axis="rows").groupby(level="dt").sum()


def perf_attrib(returns: Any, positions: Any, factor_returns: Any, factor_loadings: Any) -> tuple[Any, Any]:
    """Split returns into what risk factors explain and the rest.

    Args:
        returns: Series of fractions by date.
        positions: Series of holdings as fractions, indexed by date and ticker.
        factor_returns: DataFrame of the factors' returns by date, a column per factor.
        factor_loadings: DataFrame of loadings indexed by date and ticker, a column per factor.

    Returns:
        Exposures by date and factor; and by date the return of each factor, then ``total_returns``,
        ``common_returns`` (of all factors), ``specific_returns`` (the rest), and of the common ones
        ``tilt_returns`` (at the mean exposure) and ``timing_returns`` (the rest of them).
    """
    import pandas as pd

    start, end = returns.index[0], returns.index[-1]
    factors = factor_returns.loc[start:end]
    loadings = factor_loadings.loc[start:end].rename_axis(["dt", "ticker"])
    exposures = compute_exposures(positions.rename_axis(["dt", "ticker"]), loadings)
    if returns.index.freq is not None:
        exposures = exposures.asfreq(returns.index.freq)
    by_factor = exposures.multiply(factors)
    common = by_factor.sum(axis="columns")
    tilt = factors.multiply(exposures.mean()).sum(axis="columns")
    parts = pd.DataFrame(
        {
            "total_returns": returns,
            "common_returns": common,
            "specific_returns": returns - common,
            "tilt_returns": tilt,
            "timing_returns": common - tilt,
        }
    )
    return exposures, pd.concat([by_factor, parts], axis="columns", sort=False)
