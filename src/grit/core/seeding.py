"""Random seeds that depend on a sample, a scene or a step, and not on the process.

With seeds per sample, results do not depend on batch size, workers or ranks, and a stopped run
resumes without a stored RNG state.
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
