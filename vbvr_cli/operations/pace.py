"""How fast samples are made."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 60.0


class Pace:
    """Samples a second over the last `window` seconds, a minute if nothing else is said."""

    def __init__(self, window: float = WINDOW_SECONDS) -> None:
        self._window = window
        self._points: deque[tuple[float, int]] = deque()

    def update(self, seconds: float, made: int) -> float:
        """Add a reading and return the rate, 0 while it cannot be told."""
        # Fewer samples than before means that a task was given back, and less time that the clock was
        # set: the rate begins anew.
        if self._points and (made < self._points[0][1] or seconds < self._points[-1][0]):
            self._points.clear()
        self._points.append((seconds, made))
        while len(self._points) > 2 and seconds - self._points[0][0] > self._window:
            self._points.popleft()
        first_seconds, first_made = self._points[0]
        elapsed = seconds - first_seconds
        return (made - first_made) / elapsed if elapsed > 0 else 0.0
