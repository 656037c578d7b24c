"""The printed table: a line for each piece of work with its target, lines of its peers below it."""

from __future__ import annotations

from typing import Any

WIDTH = 44


class Table:
    """Prints lines as they are measured, and counts the targets that were reached."""

    def __init__(self) -> None:
        self.targets = 0
        self.reached = 0
        self._notes: list[str] = []
        print(
            f"\n{'work':<{WIDTH}}{'bars':>10}{'wall s':>9}{'CPU s':>8}{'bars/s':>14}{'target':>12}{'reached':>9}",
            flush=True,
        )

    def speed(self, work: str, answer: dict[str, Any], at_least: float) -> float:
        """Print a line with a target in bars a second; returns the speed."""
        speed = speed_of(answer)
        self._line(_measured(work, answer), f"≥ {_short(at_least)}", speed >= at_least)
        return speed

    def wall(self, work: str, answer: dict[str, Any], at_most: float) -> float:
        """Print a line with a target in seconds for the whole run; returns the speed in bars a second."""
        self._line(_measured(work, answer), f"≤ {at_most:g} s", min(answer["wall"]) <= at_most)
        return speed_of(answer)

    def seconds(self, work: str, seconds: float, target: str, reached: bool) -> None:
        """Print a line that is a time alone."""
        self._line(f"{work:<{WIDTH}}{'':>10}{seconds:>9.3f}{'':>22}", target, reached)

    def times(self, work: str, seconds: float, ratio: float, at_most: float) -> None:
        """Print a line that is a time beside a peer's, with a target in multiples of it."""
        start = f"{work:<{WIDTH}}{'':>10}{seconds:>9.3f}{f'{ratio:.2f} ×':>22}"
        self._line(start, f"≤ {at_most:g} ×", ratio <= at_most)

    def rate(self, work: str, a_second: float, at_least: float, target: str) -> None:
        """Print a line that is a number of bars a second that was held."""
        self._line(f"{work:<{WIDTH}}{f'{a_second:.1f} bars/s':>41}", target, a_second >= at_least)

    def share(self, work: str, share: float, at_least: float) -> None:
        """Print a line that is a part of a whole."""
        self._line(f"{work:<{WIDTH}}{f'{share:.0%}':>41}", f"≥ {at_least:.0%}", share >= at_least)

    def bytes(self, work: str, size: int, below: int) -> None:
        """Print a line with a target in bytes."""
        self._line(f"{work:<{WIDTH}}{f'{size / 1e6:.2f} MB':>41}", f"< {below / 1e6:g} MB", size < below)

    def memory(self, work: str, peak: int, data: int, at_most: float) -> None:
        """Print a line with a target in multiples of the data's size."""
        size = f"{peak / 1e6:,.0f} MB, {peak / data:.2f} × the data"
        self._line(f"{work:<{WIDTH}}{size:>41}", f"≤ {at_most:g} ×", peak <= at_most * data)

    def also(self, work: str, answer: dict[str, Any]) -> None:
        """Print a line that has no target."""
        print(_measured(work, answer), flush=True)

    def peer(self, name: str, answer: dict[str, Any], ours: float) -> None:
        """Print a peer's line under ours."""
        ratio = ours / speed_of(answer)
        print(f"{_measured('  ' + name, answer)}    ours is {ratio:,.0f} ×", flush=True)

    def peer_seconds(self, name: str, seconds: float) -> None:
        """Print a peer's time under ours."""
        print(f"{'  ' + name:<{WIDTH}}{'':>10}{seconds:>9.3f}", flush=True)

    def note(self, text: str) -> None:
        """Keep what is to be said below the table."""
        self._notes.append(text)

    def end(self) -> None:
        """Print how many targets were reached, and the notes."""
        print("\n".join([f"\n{self.reached} of {self.targets} targets reached", *self._notes]), flush=True)

    def _line(self, start: str, target: str, reached: bool) -> None:
        self.targets += 1
        self.reached += reached
        print(f"{start}{target:>12}{'yes' if reached else 'NO':>9}", flush=True)


def warm(answer: dict[str, Any]) -> dict[str, Any]:
    """The second and later runs of an answer."""
    return answer | {name: answer[name][1:] for name in ("wall", "cpu")}


def speed_of(answer: dict[str, Any]) -> float:
    """Return bars a second of the best run."""
    return float(answer["bars"] / min(answer["wall"]))


def _measured(work: str, answer: dict[str, Any]) -> str:
    wall, cpu = min(answer["wall"]), min(answer["cpu"])
    return f"{work:<{WIDTH}}{answer['bars']:>10,}{wall:>9.3f}{cpu:>8.3f}{speed_of(answer):>14,.0f}"


def _short(speed: float) -> str:
    return f"{speed / 1e6:g} M"
