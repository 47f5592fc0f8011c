"""Makes the environment of ``make test-vllm``: vLLM laid over this one, which stays as it is.

vLLM pins other versions of torch and transformers than the suite's. Its packages are installed
without their dependencies, in the versions of overlay.txt, into an environment that sees this
one's packages behind its own: the server then runs on the torch and transformers that are tested
here. That it works is what the tests show; vLLM does not promise it.

    python tests/vllm_servers/overlay.py FOLDER
"""

import subprocess
import sys
import venv
from pathlib import Path

PINS = Path(__file__).parent / "overlay.txt"


def make(folder: Path) -> None:
    """Make the environment; raise SystemExit with a line on what is missing."""
    venv.create(folder, with_pip=True, clear=True)
    python = folder / "bin" / "python"
    own = [each for each in sys.path if each.endswith("site-packages")]
    (packages,) = folder.glob("lib/python*/site-packages")
    lines = [f"import site; site.addsitedir({each!r})" for each in own]
    (packages / "the_suite.pth").write_text("\n".join(lines) + "\n")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    ended = subprocess.run([*pip, "--no-deps", "-r", str(PINS)], capture_output=True, text=True)
    if ended.returncode:
        errors = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        raise SystemExit(f"make test-vllm: {PINS.name}: {' '.join(errors) or ended.stderr[-500:]}")
    seen = subprocess.run([str(python), "-c", "import torch, vllm"], capture_output=True, text=True)
    if seen.returncode:
        last = seen.stderr.strip().splitlines()[-1]
        raise SystemExit(f"make test-vllm: vLLM is installed and does not load: {last}")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
