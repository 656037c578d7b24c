"""One table of everything that an order can be, become, or be refused for.

The compiled core works with the integers; logs, reports and the documentation use the names. The order of
each tuple *is* the integer code, so entries are only ever appended.
"""

from __future__ import annotations

from typing import Final

TYPES: Final = ("MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP", "MARKET_ON_CLOSE")
STATES: Final = (
    "WORKING",
    "WAITING",
    "FILLED",
    "CANCELLED",
    "REJECTED",
    "EXPIRED",
    "UNFILLED_AT_END",
    "PARTIALLY_FILLED",
    "TRIGGERED",
    "AMENDED",
)
TIFS: Final = ("GTC", "DAY", "GTD", "IOC", "FOK")
ROLES: Final = ("", "STOP_LOSS", "TAKE_PROFIT", "TIMEOUT", "LIQUIDATION", "DELISTED", "FRACTION")
SIZES: Final = ("quantity", "value", "percent", "target_quantity", "target_value", "target_percent")

#: reason code → (name, what it means)
REASONS: Final = (
    ("", ""),
    (
        "INSUFFICIENT_FUNDS",
        "At submission the part that increases exposure cost more than the account could carry.",
    ),
    ("INSUFFICIENT_FUNDS_AT_FILL", "At the fill price the increase cost more than the account could carry."),
    ("BELOW_MIN_QUANTITY", "The quantity rounded toward zero to the lot is zero."),
    ("SHORT_NOT_ALLOWED", "A cash account cannot sell more than it holds."),
    ("RUN_ENDED", "The order was submitted in on_stop, after the last bar."),
    ("REPLACED", "A newer target order for the same symbol took its place."),
    ("TARGET_REACHED", "The position already was at the target when the order came to be filled."),
    ("OCO", "The other order of the bracket or group filled; with bar_order='submission', or ended otherwise."),
    ("POSITION_CLOSED", "The position that this bracket order protects no longer exists."),
    ("PARENT_CANCELLED", "The entry order of the bracket ended without a fill."),
    ("BY_STRATEGY", "The strategy cancelled it."),
    ("END_OF_DAY", "A DAY order reached the end of its session."),
    ("BELOW_MIN_VALUE", "The order's value is below min_order_value."),
    ("FUNDS_TRIMMED", "The order was sized to what the account could carry at the fill."),
    ("VOLUME_CAP", "The bar's share of volume was used up; the rest works on."),
    ("BANKRUPT", "Equity fell to zero or below and the run ended."),
    ("NO_PRICE", "The symbol has no price yet at this time, or with bar_order='one_order' no bar."),
    ("GOOD_TILL_DATE", "A GTD order reached the end of its date's session."),
    ("IMMEDIATE", "The first open after the decision did not fill this IOC or FOK order, or not the whole of it."),
    ("SPLIT", "A split rescaled the working order: quantity times the ratio, prices divided by it."),
    ("LIQUIDATION", "Equity fell below the maintenance requirement at a close: closed at the next open."),
    ("DELISTED", "The symbol no longer trades."),
    ("SECOND_ORDER", "bar_order='one_order': the symbol already had an order at this decision."),
    ("WINDOW_ENDED", "Walk-forward: its test window ended; the next instance takes over positions, not orders."),
)
REASON_NAMES: Final = tuple(name for name, _ in REASONS)

#: rule code → (name, what it says, where the price before slippage comes from)
RULES: Final = (
    ("", "", ""),
    ("F1.open", "A market order fills at the open of the symbol's next bar.", "open"),
    ("F1.close", "fill_at='close': a market order fills at the close of the decision's bar.", "close"),
    ("F2.open", "The open was at or beyond the stop: filled at the open.", "open"),
    ("F2.stop", "The bar's range reached the stop: filled at the stop price.", "stop"),
    ("F4.open", "The open bettered the limit: filled at the open.", "open"),
    ("F4.limit", "The bar's range passed the limit: filled at the limit.", "limit"),
    (
        "F15.entry_bar",
        "A bracket order filled on the bar of its entry, where the path leaves no doubt.",
        "stop or limit, or the entry's price",
    ),
    (
        "F16.stop",
        "A stop-limit triggered inside the bar filled at its stop price, which is within the limit.",
        "stop",
    ),
    ("F16.limit", "A stop-limit triggered inside the bar filled at its limit: the close was through it.", "limit"),
    ("F5.rest", "The rest of a capped order filled at a later open.", "open"),
    ("F10.end", "close_at_end: the open position was closed at the end of the run.", "open or close"),
    ("F14.open", "The open was at or beyond the trailing stop's level: filled at the open.", "open"),
    ("F14.trail", "The bar's range reached the level that completed bars gave the trailing stop.", "trailing level"),
    ("F0.close", "A market-on-close order fills at the close of the session.", "close"),
    ("F11.liquidation", "The position was closed at the open after a close below the maintenance requirement.", "open"),
    ("F18.delisted", "The symbol's last bar: what is held is closed at its last price, free of costs.", "close"),
    ("F1.timeout", "max_bars: the position was closed at the open that many bars after its entry.", "open"),
    (
        "F3.detail",
        "Finer bars decided which of the bracket's prices came first.",
        "stop or limit, finer open, or the entry's price",
    ),
    ("F8.fraction", "A split left less than one lot: it is paid at the ex-date's open.", "open times ratio"),
    ("F11.bankrupt", "Equity fell to zero or below: the open trades are closed at the last price.", "close"),
)
RULE_NAMES: Final = tuple(name for name, _, _ in RULES)
RULE_SOURCES: Final = tuple(source for _, _, source in RULES)

#: what moved cash beside fills, or lots without one
LEGS: Final = ("DIVIDEND", "SPLIT", "FRACTION", "BORROW", "INTEREST")

# states
WORKING, WAITING, FILLED, CANCELLED, REJECTED, EXPIRED, UNFILLED, PARTIAL, TRIGGERED, AMENDED = range(10)
# order types
MARKET, LIMIT, STOP, STOP_LIMIT, TRAIL, MOC = range(6)
# sizes
QUANTITY, VALUE, PERCENT, TARGET_QUANTITY, TARGET_VALUE, TARGET_PERCENT = range(6)
# times in force
GTC, DAY, GTD, IOC, FOK = range(5)
# roles
PLAIN, STOP_LOSS, TAKE_PROFIT, TIMEOUT, LIQUIDATE, DELIST, PAID_OUT = range(7)
# reasons
(
    NONE, NO_FUNDS, NO_FUNDS_AT_FILL, TOO_SMALL, NO_SHORT, RUN_ENDED, REPLACED, TARGET_REACHED, OCO,
    POSITION_CLOSED, PARENT_CANCELLED, BY_STRATEGY, END_OF_DAY, BELOW_VALUE, TRIMMED, VOLUME_CAP, BANKRUPT,
    NO_PRICE, DATE_REACHED, IMMEDIATE, BY_SPLIT, LIQUIDATION, DELISTED, SECOND_ORDER, WINDOW_ENDED,
) = range(25)  # fmt: skip
# rules
(
    R_NONE, R_OPEN, R_CLOSE, R_STOP_OPEN, R_STOP, R_LIMIT_OPEN, R_LIMIT, R_ENTRY_BAR, R_SL_STOP, R_SL_LIMIT,
    R_REST, R_END, R_TRAIL_OPEN, R_TRAIL, R_MOC, R_LIQUIDATION, R_DELISTED, R_TIMEOUT, R_DETAIL, R_FRACTION,
    R_BANKRUPT,
) = range(21)  # fmt: skip

# columns of the integer half of the order table; I_SIBLING is the next order of the OCO ring, I_SEEN the bar
# up to which a trailing level or a count of bars has been brought forward, I_LEFT the bars left of max_bars,
# I_PASS the pass over the order list (S_PASS) in which the order came to be there, I_FLAGS with
# bar_order="submission" whether it was looked at
(
    I_SYMBOL, I_SIDE, I_TYPE, I_STATE, I_QTY, I_FILLED, I_SIZE, I_TIF, I_BAR, I_PARENT, I_SIBLING, I_ROLE,
    I_TRIGGERED, I_SESSION, I_REASON, I_DONE_BAR, I_SIZED, I_ACTIVE_BAR, I_ACTIVE_MODE, I_SL, I_TP, I_CAPPED,
    I_FLAGS, I_TO, I_UNTIL, I_SEEN, I_LEFT, I_PEEK, I_PASS,
) = range(29)  # fmt: skip
N_I = 29
# columns of the float half; F_EXTREME is the best price a trailing stop has seen, F_PEEK its scratch copy
(
    F_SIZE, F_LIMIT, F_STOP, F_NOTIONAL, F_FEE, F_SLIP, F_SL_PCT, F_TP_PCT, F_TRAIL, F_TRAIL_PCT, F_EXTREME,
    F_PEEK,
) = range(12)  # fmt: skip
N_F = 12
# columns of the fill log (integer, float); L_BASE is the price before slippage, L_RATE the exchange rate,
# L_ENTRY the entry order whose trade the fill closes, −1: whichever the matching of trades takes
(L_BAR, L_ORDER, L_SYMBOL, L_SIDE, L_LOTS, L_RULE, L_PHASE, L_FLAG, L_ENTRY) = range(9)
N_LI = 9
(L_PRICE, L_FEE, L_SLIP, L_BASE, L_RATE) = range(5)
N_LF = 5
# columns of the event log
(E_BAR, E_ORDER, E_STATE, E_REASON, E_RULE, E_LOTS, E_PHASE) = range(7)
N_E = 7
# columns of the log of legs; C_SEQ is the number of fills before it, C_LOTS what a split added
(C_BAR, C_SYMBOL, C_KIND, C_SEQ, C_LOTS) = range(5)
N_CI = 5
(C_AMOUNT, C_RATIO) = range(2)
N_CF = 2
LEG_DIVIDEND, LEG_SPLIT, LEG_FRACTION, LEG_BORROW, LEG_INTEREST = range(5)
# columns of the register of open entries (integer, float), kept where trades are per entry order
(X_SYMBOL, X_ORDER, X_LOTS) = range(3)
N_X = 3
# phases of a timestamp (F0)
PH_OPEN, PH_INSIDE, PH_CLOSE = range(3)
# configuration vector; the tiers of a commission stand behind it, two numbers each; K_BUFFER is the share of equity
# that sizes leave, K_RESERVE the share that funds never touch, K_FEE_CAP the largest fee as a part of the notional
(
    K_FEE_PCT, K_FEE_SHARE, K_FEE_MIN, K_FEE_MAX, K_SLIP, K_TOUCH, K_ENTRY_BAR, K_CASH_ACCOUNT, K_BUFFER,
    K_MIN_VALUE, K_PARTIAL, K_SIZE_AT_DECISION, K_FEE_FIXED, K_FEE_MAKER, K_SLIP_FIXED, K_SLIP_SHARE, K_INITIAL,
    K_MAINTENANCE, K_BORROW, K_INTEREST, K_WITHHOLD, K_TIERS,
    K_ORDER, K_FUNDS, K_PERCENT_OF, K_TRADES, K_FEE_CAP, K_RESERVE,
) = range(28)  # fmt: skip
N_K = 28
# values of knobs, in the order of options.CHOICES
ENTRY_CERTAIN, ENTRY_PESSIMISTIC, ENTRY_NEXT, ENTRY_MARKET_PARENT, ENTRY_NEXT_BAR = range(5)
ORDER_REDUCTIONS, ORDER_CLOSINGS, ORDER_SUBMISSION, ORDER_ONE, ORDER_IN_TURN = range(5)
FUNDS_BOTH, FUNDS_FILL, FUNDS_CASH, FUNDS_WHOLE = range(4)
TRADES_FIFO, TRADES_ENTRY, TRADES_FLAT = range(3)
# scalar integer registers
(
    S_ORDERS,
    S_ACTIVE,
    S_FILLS,
    S_EVENTS,
    S_AMBIGUOUS,
    S_AMBIGUOUS_ENTRY,
    S_BANKRUPT,
    S_TRIMMED,
    S_BUDGET_BAR,
    S_LEGS,
    S_ACTION,
    S_LIQUIDATED,
    S_RESOLVED,
    S_SHORTS,
    S_PASS,
    S_ENTRIES,
) = range(16)
N_S = 16
# money registers: cash, what this callback's reductions will free, financing booked at this bar's close, and the
# starting cash with the P&L of closed trades and all fees (kept where trades are per entry order); with
# bar_order="submission" cash as that engine counts it
(M_CASH, M_FREED, M_FINANCING, M_REALISED) = range(4)
N_M = 4
# parts of the market tuple
(
    D_OPEN, D_HIGH, D_LOW, D_CLOSE, D_LAST, D_CAP, D_SESSION, D_SESSION_END, D_OPEN_TIME, D_TIME, D_LOT, D_MULT,
    D_FX_OPEN, D_FX_CLOSE, D_MARGIN, D_ACTION, D_ACTION_TERMS, D_DELISTED, D_LISTED, D_DAY, D_VOLUME,
    D_FINE_FIRST, D_FINE_LAST, D_FINE, D_TICK,
) = range(25)  # fmt: skip
#: largest number of lots: an int64 with room to add
MOST_LOTS = 4_000_000_000_000_000_000.0
#: Largest part of the free margin that an order by percent takes: just below 1.
MOST_OF_MARGIN = 1.0 - 2.0**-52
# flags of a fill
FLAG_AMBIGUOUS, FLAG_AMBIGUOUS_ENTRY = 1, 2
