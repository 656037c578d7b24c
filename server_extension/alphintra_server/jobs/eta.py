"""How long a job will still take, from how it went lately."""

from __future__ import annotations

from collections import deque

_SAMPLES = 64
_WINDOW = 1 / 3
_LEAST_SECONDS = 1.0
_LEAST_FRACTION = 0.01


class Eta:
    """Estimates the rest from the last third of the time spent.

    The fraction does not grow evenly: libraries are loaded first, and a check goes at another speed than its run. So
    the whole past is a bad guide, and the last moment an unsteady one.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()

    def take(self, now: float, fraction: float) -> float | None:
        """Note how far it is, and return the seconds that are left; ``None`` where that cannot be told yet.

        Args:
            now: Seconds of a clock that only grows.
            fraction: From 0 to 1.
        """
        samples = self._samples
        if samples and fraction < samples[-1][1]:
            samples.clear()  # it began anew
        samples.append((now, fraction))
        if len(samples) > _SAMPLES:
            # Every other one: the window stays covered however long it takes.
            kept = list(samples)
            samples.clear()
            samples.extend(kept[:-1:2])
            samples.append(kept[-1])
        if fraction >= 1:
            return 0.0
        began = samples[0][0]
        if fraction < _LEAST_FRACTION or now - began < _LEAST_SECONDS:
            return None
        since = now - max((now - began) * _WINDOW, _LEAST_SECONDS)
        earlier = next((sample for sample in reversed(samples) if sample[0] <= since), samples[0])
        grown = fraction - earlier[1]
        if grown <= 0:  # it stands still: what the whole past says, growing with each moment
            grown, earlier = fraction - samples[0][1], samples[0]
        if grown <= 0:
            return None
        return (now - earlier[0]) * (1 - fraction) / grown
