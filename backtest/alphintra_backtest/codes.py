"""One table of everything that an order can be, become, or be refused for.

The compiled core works with the integers; logs, reports and the documentation use the names. The order of
each tuple *is* the integer code, so entries are only ever appended.
"""

from __future__ import annotations

from typing import Final

TYPES: Final = ("MARKET", "LIMIT", "STOP", "STOP_LIMIT")
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
)
TIFS: Final = ("GTC", "DAY")
ROLES: Final = ("", "STOP_LOSS", "TAKE_PROFIT")
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
    ("OCO", "The other order of the bracket filled."),
    ("POSITION_CLOSED", "The position that this bracket order protects no longer exists."),
    ("PARENT_CANCELLED", "The entry order of the bracket ended without a fill."),
    ("BY_STRATEGY", "The strategy cancelled it."),
    ("END_OF_DAY", "A DAY order reached the end of its session."),
    ("BELOW_MIN_VALUE", "The order's value is below min_order_value."),
    ("FUNDS_TRIMMED", "The order was sized to what the account could carry at the fill."),
    ("VOLUME_CAP", "The bar's share of volume was used up; the rest works on."),
    ("BANKRUPT", "Equity fell to zero or below and the run ended."),
    ("NO_PRICE", "The symbol has no price yet at this time."),
)
REASON_NAMES: Final = tuple(name for name, _ in REASONS)

#: rule code → (name, what it says)
RULES: Final = (
    ("", ""),
    ("F1.open", "A market order fills at the open of the symbol's next bar."),
    ("F1.close", "fill_at='close': a market order fills at the close of the decision's bar."),
    ("F2.open", "The open was at or beyond the stop: filled at the open."),
    ("F2.stop", "The bar's range reached the stop: filled at the stop price."),
    ("F4.open", "The open bettered the limit: filled at the open."),
    ("F4.limit", "The bar's range passed the limit: filled at the limit."),
    ("F15.entry_bar", "A bracket order filled on the bar of its entry, where the path leaves no doubt."),
    (
        "F16.stop",
        "A stop-limit triggered inside the bar filled at its stop price, which is within the limit.",
    ),
    ("F16.limit", "A stop-limit triggered inside the bar filled at its limit: the close was through it."),
    ("F5.rest", "The rest of a capped order filled at a later open."),
    ("F10.end", "close_at_end: the open position was closed at the end of the run."),
)
RULE_NAMES: Final = tuple(name for name, _ in RULES)

# states
WORKING, WAITING, FILLED, CANCELLED, REJECTED, EXPIRED, UNFILLED, PARTIAL, TRIGGERED = range(9)
# order types
MARKET, LIMIT, STOP, STOP_LIMIT = range(4)
# sizes
QUANTITY, VALUE, PERCENT, TARGET_QUANTITY, TARGET_VALUE, TARGET_PERCENT = range(6)
# reasons
(
    NONE, NO_FUNDS, NO_FUNDS_AT_FILL, TOO_SMALL, NO_SHORT, RUN_ENDED, REPLACED, TARGET_REACHED, OCO,
    POSITION_CLOSED, PARENT_CANCELLED, BY_STRATEGY, END_OF_DAY, BELOW_VALUE, TRIMMED, VOLUME_CAP, BANKRUPT,
    NO_PRICE,
) = range(18)  # fmt: skip
# rules
(
    R_NONE, R_OPEN, R_CLOSE, R_STOP_OPEN, R_STOP, R_LIMIT_OPEN, R_LIMIT, R_ENTRY_BAR, R_SL_STOP, R_SL_LIMIT,
    R_REST, R_END,
) = range(12)  # fmt: skip

# columns of the integer half of the order table
(
    I_SYMBOL, I_SIDE, I_TYPE, I_STATE, I_QTY, I_FILLED, I_SIZE, I_TIF, I_BAR, I_PARENT, I_SIBLING, I_ROLE,
    I_TRIGGERED, I_SESSION, I_REASON, I_DONE_BAR, I_SIZED, I_ACTIVE_BAR, I_ACTIVE_MODE, I_SL, I_TP, I_CAPPED,
    I_FLAGS,
) = range(23)  # fmt: skip
N_I = 23
# columns of the float half
(F_SIZE, F_LIMIT, F_STOP, F_NOTIONAL, F_FEE, F_SLIP, F_SL_PCT, F_TP_PCT) = range(8)
N_F = 8
# columns of the fill log (integer, float)
(L_BAR, L_ORDER, L_SYMBOL, L_SIDE, L_LOTS, L_RULE, L_PHASE, L_FLAG) = range(8)
N_LI = 8
(L_PRICE, L_FEE, L_SLIP) = range(3)
N_LF = 3
# columns of the event log
(E_BAR, E_ORDER, E_STATE, E_REASON, E_RULE, E_LOTS, E_PHASE) = range(7)
N_E = 7
# phases of a timestamp (F0)
PH_OPEN, PH_INSIDE, PH_CLOSE = range(3)
# configuration vector
(
    K_FEE_PCT, K_FEE_SHARE, K_FEE_MIN, K_FEE_MAX, K_SLIP, K_TOUCH, K_ENTRY_BAR, K_CASH_ACCOUNT, K_BUFFER,
    K_MIN_VALUE, K_PARTIAL, K_SIZE_AT_DECISION,
) = range(12)  # fmt: skip
N_K = 12
ENTRY_CERTAIN, ENTRY_PESSIMISTIC, ENTRY_NEXT = range(3)
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
) = range(9)
N_S = 9
#: largest number of lots: an int64 with room to add
MOST_LOTS = 4_000_000_000_000_000_000.0
# flags of a fill
FLAG_AMBIGUOUS, FLAG_AMBIGUOUS_ENTRY = 1, 2
