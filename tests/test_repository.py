"""The repository keeps its own promises: versions, locks, commands, licences, contents."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lecopt

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
READERS, TESTERS, NODE = "requirements.txt", "tests/requirements.txt", "tests/node.txt"
MACHINES = [
    {"python_version": version, "python_full_version": f"{version}.7", **system}
    for version in ("3.11", "3.12", "3.13")
    for system in (
        {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
    )
]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def declared(*tables: str) -> list[str]:
    """Return what pyproject.toml asks for in some extras and groups, "" for the package itself."""
    project = PYPROJECT["project"]
    sources = (
        PYPROJECT["dependency-groups"]
        | project["optional-dependencies"]
        | {"": project["dependencies"]}
    )
    return [line for table in tables for line in sources[table] if isinstance(line, str)]


def pins(lock: str, machine: dict[str, str]) -> dict[str, str]:
    """Return the version of each package that a lock gives to a machine."""
    lines = re.findall(r"^[a-zA-Z0-9].*==.*", text(lock), re.MULTILINE)
    fitting = [r for r in map(Requirement, lines) if r.marker is None or r.marker.evaluate(machine)]
    names = [canonicalize_name(requirement.name) for requirement in fitting]
    assert len(names) == len(set(names)), f"{lock} pins a package twice for {machine}"
    return {canonicalize_name(r.name): next(iter(r.specifier)).version for r in fitting}


def test_one_version_everywhere():
    citation = re.search(r"^version: (.*)$", text("CITATION.cff"), re.MULTILINE)
    assert citation is not None
    assert citation[1] == lecopt.__version__
    assert json.loads(text("js/package.json"))["version"] == lecopt.__version__
    assert importlib.metadata.version("lecopt") == lecopt.__version__


@pytest.mark.parametrize(
    "machine", MACHINES, ids=lambda m: m["python_version"] + m["os_name"][:2] + m["sys_platform"]
)
@pytest.mark.parametrize(
    ("lock", "tables"),
    [
        (READERS, ("", "notebook", "grading", "book")),
        (TESTERS, ("", "test", "lint", "lock")),
        (NODE, ("node",)),
    ],
)
def test_locks_hold_what_is_declared(lock, tables, machine):
    locked = pins(lock, machine)
    for line in declared(*tables):
        wanted = Requirement(line)
        version = locked.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name} is not in {lock}: run `make lock`"
        assert wanted.specifier.contains(version), f"{lock} has {version}: run `make lock`"


@pytest.mark.parametrize("machine", MACHINES[::3], ids=lambda m: m["python_version"])
def test_locks_agree(machine):
    readers, testers = pins(READERS, machine), pins(TESTERS, machine)
    both = readers.keys() & testers.keys()
    assert "numpy" in both
    assert {name: readers[name] for name in both} == {name: testers[name] for name in both}


@pytest.mark.parametrize("lock", [READERS, TESTERS, NODE])
def test_locks_name_no_host_and_no_cuda(lock):
    assert not re.search(
        r"https?://|--(extra-)?index-url|--find-links|nvidia|cuda|triton", text(lock)
    )


def test_students_get_the_package_with_the_lock():
    assert "-e ." in text(READERS).splitlines()


def test_the_tests_run_with_the_locked_versions():
    here = pins(READERS, {}) | pins(TESTERS, {})
    installed = {
        canonicalize_name(d.metadata["Name"]): d.version.partition("+")[0]
        # not those that setuptools, once imported, adds to the path from a folder of its own
        for d in importlib.metadata.distributions(path=[sysconfig.get_path("purelib")])
    }
    assert {name: installed.get(name) for name in here} == here


def test_every_dependency_says_why():
    """A dependency is alone on its line, with the reason behind it."""
    for line in text("pyproject.toml").splitlines():
        if re.match(r'  "[a-z0-9-]+(\[[a-z]+\])?[<>=]=?\d', line):
            assert re.search(r'",\s+# \w+', line), f"why? {line.strip()}"


def test_the_package_imports_only_what_it_declares():
    provided = importlib.metadata.packages_distributions()
    wanted = {
        canonicalize_name(Requirement(line).name)
        for line in declared("", "notebook", "extras", "grading")
    }
    for path in (ROOT / "lecopt").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names:
                owners = {canonicalize_name(owner) for owner in provided.get(top, [top])}
                assert owners & (wanted | {"lecopt"}), f"{path.relative_to(ROOT)} imports {top}"


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_commands_exist(page):
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)\b(?=`|$|  )", text(page), re.MULTILINE))
    assert named >= {"site", "test"}
    assert named <= targets(), f"{page} names {named - targets()}"


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE-prose.md"]
)
def test_links_between_files_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text(page))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_maps_every_folder():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    folders = {name.partition("/")[0] + "/" for name in tracked if "/" in name}
    shown = {folder for folder in folders if not folder.startswith(".")}
    assert [folder for folder in sorted(shown) if f"`{folder}`" not in text("README.md")] == []


def test_ci_stops_at_the_first_failure():
    lines = text(".ci/run").splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-2:] == ["make site", "make test"]


def test_actions_are_pinned_to_commits():
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
        assert used
        for action in used:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action), f"{path.name}: {action}"


def test_workflow_names_tests_that_exist():
    named = re.findall(r"tests/\w+\.py", text(".github/workflows/ci.yml"))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("tool", ["ruff", "codespell"])
def test_commits_and_lint_use_the_same_tools(tool):
    hook = re.search(rf"/{tool}(-pre-commit)?\n    rev: v(.*)", text(".pre-commit-config.yaml"))
    assert hook is not None
    assert hook[2] == pins(TESTERS, MACHINES[0])[tool]


def test_wheel_holds_the_front_end_and_no_answers(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    static = {path.name for path in (ROOT / "lecopt/explorer/static").iterdir()}
    assert {Path(n).name for n in names if n.startswith("lecopt/explorer/static/")} == static
    assert "lecopt/py.typed" in names
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"lecopt", f"lecopt-{lecopt.__version__}.dist-info"}


UNFAIR = {
    "a skipped test": "def test_it(): pytest.skip('no time')",
    "a skipped file": "pytest.skip('no time', allow_module_level=True)",
    "a missing module": "pytest.importorskip('no_such_module')",
    "an expected failure": "@pytest.mark.xfail\ndef test_it(): assert False",
    "a missing fixture's skip": "@pytest.fixture\ndef f(): pytest.skip('x')\ndef test_it(f): pass",
}


@pytest.mark.parametrize("unfair", UNFAIR.values(), ids=UNFAIR.keys())
def test_nothing_is_skipped(unfair, tmp_path):
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_unfair.py").write_text(f"import pytest\n{unfair}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    clean["PYTHONPATH"] = str(ROOT / "tools")
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=clean
    )
    assert run.returncode in (1, 2)
    assert "which is not allowed here" in run.stdout
