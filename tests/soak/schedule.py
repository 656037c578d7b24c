"""What happens to whom and when: all of it follows from one number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from .people import Order

RANDOM = "random"
FROZEN = "frozen"
"""A server is stopped for longer than its leases last, and goes on: what it does then must count for nothing."""
# The points whose turn comes in each ten kills, in an order of the seed's; the rest are random instants.
_POINTS = (
    "after_claim", "after_start", "after_result_write", "after_commit_before_relay", "in_relay", "in_cancel",
    "in_sweep", RANDOM, RANDOM, RANDOM,
)  # fmt: skip
_MOST_TIMES = {"in_relay": 12, "after_start": 4, "after_claim": 3, "after_result_write": 2, "in_cancel": 2}


@dataclass(frozen=True)
class Kill:
    """One round.

    Attributes:
        number: Counts them, from 1.
        last: Whether every point has had its turn with it.
        point: A crash point, ``random`` or ``frozen``.
        times: How often the point is passed before.
        delay: Seconds until a random kill.
        victims: Which servers.
        quick: Whether the servers that start next have the small worker.
        orders: What people send meanwhile, by user.
    """

    number: int
    last: bool
    point: str
    times: int
    delay: float
    victims: tuple[int, ...]
    quick: bool
    orders: dict[str, list[Order]]


def kills(seed: int, servers: int, users: tuple[str, ...]) -> Iterator[Kill]:
    """Make the rounds of a seed, without an end."""
    dice = random.Random(seed)
    number = 0
    while True:
        # Where there is one server nobody takes over from it while it stands still.
        turn = [*_POINTS, *([FROZEN] if servers > 1 else [])]
        dice.shuffle(turn)
        real = dice.randrange(len(turn))
        for place, point in enumerate(turn):
            number += 1
            everybody = tuple(range(servers))
            victims = everybody if dice.random() < 0.3 else (dice.randrange(servers),)
            yield Kill(
                number,
                place == len(turn) - 1,
                point,
                dice.randint(1, _MOST_TIMES.get(point, 1)),
                dice.uniform(0.0, 2.5),
                victims,
                quick=place != real,
                orders={user: _orders(dice, f"{seed}-{number}-{user}", point) for user in users},
            )


def _orders(dice: random.Random, key: str, point: str) -> list[Order]:
    found = []
    for number in range(dice.randint(2, 3)):
        act = dice.choices(("finish", "slow", "error", "die"), (5, 3, 1, 1))[0]
        cancel = dice.random() < 0.25
        # There must be something to be cancelled, or to be taken over.
        if point == FROZEN or (number == 0 and point in {"in_cancel", "in_sweep"}):
            act, cancel = "slow", point == "in_cancel"
        found.append(
            Order(
                f"{key}-{number}",
                act,
                round(dice.uniform(0.5, 2.0), 2),
                execute=dice.random() < 0.5,
                cancel_after=round(dice.uniform(0.0, 1.0), 2) if cancel else None,
                pause=round(dice.uniform(0.0, 0.3), 2),
            )
        )
    return found
