"""Returns by month and by year."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra_backtest.formats import text
from alphintra_backtest.report.account import F64, Account
from alphintra_backtest.study import Column, Figure, Section, Table, Text

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def section(account: Account) -> Section:
    """Return the monthly table, and the years as bars and as a table."""
    title = "Months and years"
    if not len(account.returns):
        return Section("calendar", title, [Text(["The run has no session return."])])
    return Section("calendar", title, [monthly(account), _bars(account), yearly(account)])


def compounded(values: F64, days: npt.NDArray[np.datetime64], unit: str) -> dict[int, float]:
    """Return the return of each month or year: value at its last session over that at the last one before it.

    Args:
        values: Value before the first session and after each, (n + 1,); NaN where unknown.
        days: Date of each session, (n,).
        unit: ``M`` or ``Y``; keys count months or years since 1970.
    """
    keys = days.astype(f"datetime64[{unit}]").astype(np.int64)
    last = np.flatnonzero(np.append(keys[1:] != keys[:-1], True))
    ends = values[last + 1]
    before = np.concatenate((values[:1], ends[:-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return dict(zip(keys[last].tolist(), (ends / before - 1.0).tolist(), strict=True))


def monthly(account: Account) -> Table:
    """Return one row a year and one column a month, coloured by return."""
    months = compounded(account.equity, account.days, "M")
    years = compounded(account.equity, account.days, "Y")
    rows: list[list[Any]] = [
        [str(1970 + year), *(months.get(12 * year + month) for month in range(12)), total]
        for year, total in years.items()
    ]
    columns = [
        Column("year", "Year", "text"),
        *(Column(name.lower(), name, "percent") for name in MONTHS),
        Column("total", "Year", "percent", True),
    ]
    first, last = account.dates[0], account.dates[-1]
    return Table(
        "months", "Monthly returns", columns, rows,
        note=f"The first month begins with the starting cash on {first}, the last one ends on {last}.",
        heat=[name.lower() for name in MONTHS],
    )  # fmt: skip


def yearly(account: Account) -> Table:
    """Return each year beside the benchmark's."""
    own = compounded(account.equity, account.days, "Y")
    other = {} if account.benchmark is None else compounded(account.benchmark, account.days, "Y")
    keys = account.days.astype("datetime64[Y]").astype(np.int64)
    rows: list[list[Any]] = []
    for year, value in own.items():
        inside = account.returns[keys == year]
        path = np.concatenate(([1.0], np.cumprod(1.0 + inside)))
        spread = float(np.std(inside, ddof=1) * np.sqrt(account.periods)) if len(inside) > 1 else None
        against = other.get(year, np.nan)
        rows.append(
            [
                str(1970 + year), value, against, value - against, spread,
                float((path / np.maximum.accumulate(path) - 1.0).min()), len(inside),
            ]
        )  # fmt: skip
    columns = [
        Column("year", "Year", "text"),
        Column("return", "Strategy", "percent", True),
        Column("benchmark", account.benchmark_name, "percent", True),
        Column("difference", "Difference", "percent", True, "Strategy minus benchmark."),
        Column("volatility", "Volatility", "percent", False, "√N · standard deviation of the year's session returns."),
        Column("drawdown", "Max drawdown", "percent", False, "Within the year, from session to session."),
        Column("sessions", "Sessions", "integer"),
    ]
    if not other:
        columns = [column for column in columns if column.name not in ("benchmark", "difference")]
        rows = [[row[0], row[1], *row[4:]] for row in rows]
    return Table("years", "Yearly returns", columns, rows)


def _bars(account: Account) -> Figure:
    own = compounded(account.equity, account.days, "Y")
    names = [str(1970 + year) for year in own]
    values = list(own.values())
    data: list[dict[str, Any]] = [
        {
            "type": "bar", "x": names, "y": values, "name": "Strategy",
            "marker": {"color": ["@gain" if value >= 0 else "@loss" for value in values]}, "showlegend": False,
        }
    ]  # fmt: skip
    if account.benchmark is not None:
        other = compounded(account.benchmark, account.days, "Y")
        stroke = {"width": 3, "color": "@benchmark"}
        data.append(
            {
                "type": "scatter", "mode": "markers", "x": names, "y": [other[year] for year in own],
                "name": account.benchmark_name,
                "marker": {"symbol": "line-ew", "size": 16, "color": "@benchmark", "line": stroke},
            }
        )  # fmt: skip
    best, worst = int(np.argmax(values)), int(np.argmin(values))
    alt = (
        f"Return of {len(values)} years; best {names[best]} with {text(values[best], 'percent', signed=True)}, "
        f"worst {names[worst]} with {text(values[worst], 'percent', signed=True)}."
    )
    layout = {"yaxis": {"tickformat": ".0%"}, "xaxis": {"type": "category"}, "hovermode": "closest"}
    return Figure("years_bars", "Years", alt, data, layout, 240)
