"""Fingerprints: by which it is known of most fixes that a segment does not have them, without reading it.

A phone's backlog is late and new. To see that, each part of a segment that reaches over one of
its moments would have to be unpacked: half of what a late fix cost.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Prints = NDArray[np.uint32]

__all__ = ["may_have", "pack", "prints_of", "unpack"]

_SIZE = struct.Struct("<q")
_CODEC = "zstd"
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)  # odd


def prints_of(member: Ints, sent: Ints, lat: Floats, lon: Floats) -> Prints:
    """Return 32 bits for each fix, alike for the same member's id, sent time and place.

    Of 65,536 others in a segment, one looks the same once in 65,536 times.
    """
    import numpy as np

    mixed = np.zeros(len(sent), dtype=np.uint64)
    places = ((values + 0.0).view(np.uint64) for values in (lat, lon))  # -0.0 is the same place as 0.0
    for values, factor in zip((member, sent, *places), _FACTORS, strict=True):
        mixed ^= values.astype(np.uint64) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(_FACTORS[0])
    found: Prints = (mixed >> np.uint64(32)).astype(np.uint32)
    return found


def pack(prints: Prints) -> bytes:
    """Return fingerprints packed, in about 2.4 bytes each; at least one."""
    import numpy as np
    import pyarrow as pa

    ordered = np.sort(prints)
    steps = np.diff(ordered, prepend=np.uint32(0)).astype("<u4")
    # by place of the byte: the two upper ones are mostly 0
    planes = np.ascontiguousarray(steps.view(np.uint8).reshape(-1, 4).T)
    packed: bytes = pa.compress(planes.tobytes(), codec=_CODEC, asbytes=True)
    return _SIZE.pack(planes.size) + packed


def unpack(data: bytes) -> Prints:
    """Return fingerprints that were packed, ascending."""
    import numpy as np
    import pyarrow as pa

    (size,) = _SIZE.unpack_from(data)
    planes = pa.decompress(memoryview(data)[_SIZE.size :], decompressed_size=size, codec=_CODEC)
    steps = np.ascontiguousarray(np.frombuffer(planes, np.uint8).reshape(4, -1).T).view("<u4").ravel()
    found: Prints = np.cumsum(steps, dtype=np.uint32)
    return found


def may_have(stored: Prints, wanted: Prints) -> NDArray[np.bool_]:
    """Return which fingerprints are among those stored, which ascend."""
    import numpy as np

    places = np.minimum(np.searchsorted(stored, wanted), len(stored) - 1)
    found: NDArray[np.bool_] = np.equal(stored[places], wanted)
    return found
