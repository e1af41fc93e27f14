"""How long and how often."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Form:
    """`storm_s` is for how long blows fall, `trials` how often each fault is tried, on `lanes` Leases side by side."""

    storm_s: float
    ticks: int
    trials: int
    lanes: int
    seed: int = 0

    def with_seed(self, seed: int) -> Form:
        return replace(self, seed=seed)


FORMS = {
    "long": Form(storm_s=900, ticks=10_000, trials=100, lanes=6),
    "short": Form(storm_s=60, ticks=500, trials=3, lanes=4),
}
