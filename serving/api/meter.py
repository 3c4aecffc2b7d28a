"""Meter: what the service counts of itself, as Prometheus text."""

import threading
from collections import Counter
from dataclasses import dataclass, field

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper ends of the histogram of seconds."""

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


@dataclass
class Meter:
    """Counters of one worker since its start; labels never name a lead, a number or a key."""

    _counts: Counter[tuple[str, Labels]] = field(default_factory=Counter)
    _sums: Counter[Labels] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, n: int = 1, **labels: str) -> None:
        """Count `n` more of something."""
        with self._lock:
            self._counts[name, tuple(sorted(labels.items()))] += n

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one request and how long it took."""
        labels = (("route", route),)
        with self._lock:
            self._counts["leadrank_requests_total", (("route", route), ("status", str(status)))] += 1
            self._sums[labels] += seconds  # type: ignore[assignment]  # typeshed: Counter counts ints
            for end in BUCKETS:
                if seconds <= end:
                    self._counts["leadrank_request_seconds_bucket", (*labels, ("le", str(end)))] += 1
            self._counts["leadrank_request_seconds_bucket", (*labels, ("le", "+Inf"))] += 1
            self._counts["leadrank_request_seconds_count", labels] += 1

    def render(self) -> str:
        """Everything counted, in the text format that Prometheus reads."""
        with self._lock:
            lines = [_line(name, labels, count) for (name, labels), count in sorted(self._counts.items())]
            lines += [
                _line("leadrank_request_seconds_sum", labels, total)
                for labels, total in sorted(self._sums.items())
            ]
        kinds = ["# TYPE leadrank_requests_total counter", "# TYPE leadrank_request_seconds histogram"]
        return "\n".join([*kinds, *lines]) + "\n"


def _line(name: str, labels: Labels, value: float) -> str:
    named = ",".join(f'{label}="{_quoted(word)}"' for label, word in labels)
    return f"{name}{{{named}}} {value:.17g}" if named else f"{name} {value:.17g}"


def _quoted(word: str) -> str:
    return word.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
