"""Random streams that belong to a thing (a sample, a scene, a step), not to a process.

Seeding by sample is what makes results independent of batch size, workers and ranks, and lets a
stopped run continue without saving any random state.
"""

import hashlib


def seed_for(*parts: object) -> int:
    """A 63-bit seed that depends on every part: ``seed_for(run_seed, epoch, sample_id, k)``."""
    text = "\x1f".join(str(part) for part in parts)
    return (
        int.from_bytes(
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
        )
        >> 1
    )
