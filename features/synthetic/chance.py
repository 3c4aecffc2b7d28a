"""Counter-based chance: the same lead, attempt and purpose meet the same coin under every order of calls."""

import math

import numpy as np

from ..kernel import kernel

ANSWER = 1
CONVERT = 2
TALK = 3
AFTER = 4
SCRIPT = 5
HANG_UP = 6
HANG_UP_LENGTH = 7
CALLBACK_DELAY = 8
CALLBACK_MINUTE = 9
NO_ANSWER_KIND = 10
RING = 11
MACHINE = 12
CANCEL = 13
CONFIRM = 14
CONFIRM_DELAY = 15
BREAK = 16

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_ATTEMPT = np.uint64(0xD1B54A32D192ED03)
_PURPOSE = np.uint64(0x8CB92BA72F3D8DD7)
_ELEVEN, _27, _30, _31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)


@kernel
def mix(z: np.uint64) -> np.uint64:
    """The splitmix64 finaliser, modulo 2**64."""
    z = np.uint64(z + _GOLDEN)
    z = np.uint64((z ^ (z >> _30)) * _FIRST)
    z = np.uint64((z ^ (z >> _27)) * _SECOND)
    return np.uint64(z ^ (z >> _31))


@kernel
def uniform(seed: int, i: int, n: int, k: int) -> float:
    """The coin of actor `i`, attempt `n`, purpose `k`: uniform in the open interval (0, 1)."""
    h = mix(np.uint64(np.uint64(seed) * _GOLDEN + np.uint64(i)))
    h = mix(np.uint64(h ^ np.uint64(np.uint64(n) * _ATTEMPT)))
    h = mix(np.uint64(h ^ np.uint64(np.uint64(k) * _PURPOSE)))
    return (float(h >> _ELEVEN) + 0.5) / 9007199254740992.0


@kernel
def normal(u: float) -> float:
    """The standard normal quantile of `u` in (0, 1), by Newton steps on the error function (1e-12)."""
    tail = min(u, 1.0 - u)
    t = math.sqrt(-2.0 * math.log(tail))
    top = 2.515517 + t * (0.802853 + t * 0.010328)
    z = t - top / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    for _ in range(3):
        excess = 0.5 * math.erfc(z / math.sqrt(2.0)) - tail
        z += excess * math.sqrt(2.0 * math.pi) * math.exp(0.5 * z * z)
    return z if u > 0.5 else -z
