"""Views: what other objectives need of the same batches. Nothing here draws noise or copies targets: the device does.

In: a batch of a loader, or the dictionary of tensors that `torch_loader` makes of it. Out: for multi-token prediction
how far each position may look ahead, and for masked diffusion a noise level and a key for each segment.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gleanery.shards.batch import Batch

# Masked diffusion never hides less than this share (LLaDA, arXiv 2502.09992: p = (1 - e) t + e with e = 0.001).
LEAST_NOISE = 1e-3


@dataclass(frozen=True)
class Noise:
    """What a device needs to hide tokens; a pure function of release, settings and place, like the batch itself.

    level  float32[segments], the share of tokens to hide, 0.001 to 1; 0 for padding, where nothing is hidden
    key    uint64[segments], the seed of the segment's draws
    """

    level: NDArray[np.float32]
    key: NDArray[np.uint64]


def noise(batch: Batch | Mapping[str, Any]) -> Noise:
    """Noise levels for masked diffusion, uniform over segments, from the segments' keys."""
    segments = _field(batch, "segments")
    key = segments.key.astype(np.uint64)
    uniform = (key >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    level = (1 - LEAST_NOISE) * uniform + LEAST_NOISE
    return Noise(np.where(segments.document < 0, 0, level).astype(np.float32), key)


def ahead(batch: Batch | Mapping[str, Any], depths: int) -> NDArray[np.int16]:
    """int16[B, S]: how many labels from here on belong to the same segment, at most `depths`.

    For multi-token prediction: depth d, from 0, has the target `labels` shifted by d to the left, and counts where
    d < ahead. So one array serves all depths, and the device shifts. Ask before the batch goes to a device.
    """
    ends: NDArray[np.int32] = np.asarray(_field(batch, "cu_seqlens"))[1:]
    shape = tuple(_field(batch, "input_ids").shape)
    place = np.arange(math.prod(shape))
    end = ends[np.searchsorted(ends, place, side="right")]
    found: NDArray[np.int16] = np.minimum(end - 1 - place, depths).astype(np.int16).reshape(shape)
    return found


def _field(batch: Batch | Mapping[str, Any], name: str) -> Any:
    return batch[name] if isinstance(batch, Mapping) else getattr(batch, name)
