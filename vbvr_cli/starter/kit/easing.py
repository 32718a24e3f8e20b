"""How a change is spread over time."""


def ease_out(progress: float) -> float:
    """Start fast, arrive gently: 0 to 1 as `progress` goes from 0 to 1, and held there outside of it."""
    rest = 1 - min(max(progress, 0.0), 1.0)
    return 1 - rest**3
