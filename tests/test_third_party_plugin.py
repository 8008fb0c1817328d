"""A plugin that somebody else packaged: installed by pip, found by name, loaded, uninstalled, gone."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import subprocess
import sysconfig
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest

from hft.cli.exit_codes import ExitCode

PLUGIN = '''
    """What Acme's strategy offers to hft."""

    from decimal import Decimal

    import attrs
    from hft import Size, Strategy, hookimpl, option

    HFT_API = 1


    @attrs.frozen(kw_only=True)
    class Config:
        order_size: Decimal = option(doc="size of each order")


    class AcmeJoiner(Strategy[Config]):
        """Quote at the best bid and ask."""

        def on_start(self):
            instrument = self.trading.markets[0].instrument
            self.size = instrument.size(str(self.config.order_size))

        def on_book(self, book):
            self.trading.quote(book.instrument, [(book.best_bid, self.size)], [(book.best_ask, self.size)])


    @hookimpl
    def hft_strategy():
        return AcmeJoiner
'''

PROFILE = """
name: third-party
mode: replay
captures: [{capture}]
exchanges:
  binance: {{use: binance}}
strategies:
  joiner:
    use: acme_joiner
    instruments: [BTC/USDT@binance]
    order_size: "0.001"
"""

CAPTURE = Path(__file__).parents[1] / "profiles" / "captures" / "simulated.jsonl.gz"

METADATA = """\
Metadata-Version: 2.1
Name: acme-joiner
Version: 1.2.3
Requires-Dist: hft-core
"""

WHEEL = """\
Wheel-Version: 1.0
Generator: by hand
Root-Is-Purelib: true
Tag: py3-none-any
"""

pytestmark = pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in ("pip", "ensurepip")), reason="there is no pip here"
)


def build_wheel(folder: Path) -> Path:
    """Write the wheel that any build tool would, without needing one."""
    info = "acme_joiner-1.2.3.dist-info"
    files = {
        "acme_joiner.py": textwrap.dedent(PLUGIN).lstrip(),
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": "[hft.strategies]\nacme_joiner = acme_joiner\n",
    }
    record = [f"{name},{_digest(text)},{len(text.encode())}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    wheel = folder / "acme_joiner-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel


def _digest(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"


class Environment:
    """A virtual environment with pip that also sees what this test's environment has installed."""

    def __init__(self, folder: Path) -> None:
        # Making a pip takes longer than all the rest of this test: where there is one, it sees that.
        venv.create(folder, with_pip=importlib.util.find_spec("pip") is None, symlinks=True)
        self.python = folder / "bin" / "python"
        purelib = sysconfig.get_path("purelib", "venv", {"base": str(folder)})
        # addsitedir rather than a bare path: it follows the .pth files of editable installs too.
        ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        lines = [f"import site; site.addsitedir({folder!r})" for folder in sorted(ours)]
        Path(purelib, "ours.pth").write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str) -> str:
        """Run Python and return what it printed."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python, whatever comes of it."""
        return subprocess.run([self.python, *arguments], capture_output=True, text=True, check=False)


def test_installed_found_run_uninstalled_gone(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path)
    environment = Environment(tmp_path / "venv")
    profile = tmp_path / "profile.yaml"
    profile.write_text(PROFILE.format(capture=CAPTURE))
    environment.run("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel))

    listed = json.loads(environment.run("-m", "hft", "plugins", "--json"))
    assert [each for each in listed if each["name"] == "acme_joiner"] == [
        {
            "name": "acme_joiner",
            "kind": "strategy",
            "module": "acme_joiner",
            "distribution": "acme-joiner",
            "version": "1.2.3",
            "source": f"file {wheel}",
            "state": "ok",
        }
    ]
    summary = json.loads(environment.run("-m", "hft", "run", str(profile), "--json"))
    assert summary["fills"] > 0
    assert summary["faults"] == []

    environment.run("-m", "pip", "uninstall", "--quiet", "--yes", "acme-joiner")

    done = environment.attempt("-m", "hft", "run", str(profile), "--json")
    assert done.returncode == ExitCode.USAGE
    missing = "no strategy plugin 'acme_joiner' is installed: pip install hft-plugin-acme-joiner"
    assert missing in done.stderr
    assert done.stdout == ""
