"""The wheel, installed in another folder and used from yet another, without the checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parent.parent


class Installed(NamedTuple):
    """A wheel, and the folder that it is installed in."""

    wheel: Path
    folder: Path

    def python(self, desk: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the folder ``desk`` with the installed package.

        Without ``site`` (-S) no .pth file is read, and so the checkout of an editable install is
        not importable; the libraries are.
        """
        path = [str(self.folder), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(path)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "120",
        }
        return subprocess.run(
            [sys.executable, "-S", *arguments],
            cwd=desk,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    out, folder = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("installed")
    build = ["build", "--wheel", "--no-isolation", "--outdir", str(out), str(CHECKOUT)]
    _run("-m", *build)
    (wheel,) = out.glob("*.whl")
    pip = ["pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    _run("-m", *pip, "--no-compile", "--target", str(folder), str(wheel))
    return Installed(wheel, folder)


def _run(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_holds_the_package_and_nothing_else(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    inside = {name for name in names if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in inside} == {"grit"}
    assert not [name for name in inside if name.endswith((".pyc", ".ckpt", ".log", ".png"))]
    expected = {
        f"grit/{path.relative_to(CHECKOUT)}"
        for folder in ("conf", "experiments")
        for path in CHECKOUT.glob(f"{folder}/**/*.yaml")
    }
    package = CHECKOUT / "src"
    expected |= {
        str(path.relative_to(package))
        for path in package.glob("grit/**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - inside == set()
    assert installed.wheel.stat().st_size < 100e6


def test_the_licence_and_a_command_come_with_it(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        information = {
            name.split("/", 1)[1]: archive.read(name).decode()
            for name in archive.namelist()
            if ".dist-info/" in name
        }
    assert "MIT" in information["licenses/LICENSE"]
    assert "grit = grit.__main__:main" in information["entry_points.txt"]


def test_it_is_the_installed_package_that_runs(installed: Installed, tmp_path: Path) -> None:
    done = installed.python(tmp_path, "-c", "import grit; print(grit.__file__)")
    assert Path(done.stdout.strip()).is_relative_to(installed.folder), done.stderr


def test_help(installed: Installed, tmp_path: Path) -> None:
    done = installed.python(tmp_path, "-m", "grit", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for path in [*CHECKOUT.glob("conf/*/*.yaml"), *CHECKOUT.glob("experiments/experiment/*.yaml")]:
        assert f" {path.parent.name}={path.stem} " in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_run(installed: Installed, tmp_path: Path) -> None:
    before = sorted(installed.folder.rglob("*"))
    done = installed.python(tmp_path, "-m", "grit", "experiment=smoke", "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [one["n"] for one in found["sets"].values()] == [2] * 6
    assert found["git"] is None  # no commit stands for an installed package
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
    assert sorted(installed.folder.rglob("*")) == before  # a run leaves nothing in the package
