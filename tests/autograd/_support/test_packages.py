"""The hint for a missing package: one form, and requirements and extras as the project declares them."""

import ast
import re
from pathlib import Path

import pytest

from autograd._support import missing, packages

ROOT = Path(__file__).parents[3]
SOURCES = [path for folder in ("autograd", "nn", "playground", "demos") for path in (ROOT / folder).rglob("*.py")]


@pytest.mark.parametrize("package", packages.OPTIONAL.values(), ids=packages.OPTIONAL)
def test_each_requirement_is_the_one_that_pyproject_declares(package: packages.Optional) -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 cannot read TOML")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["optional-dependencies"][package.extra] if package.extra else project["dependencies"]
    assert package.requirement in declared


@pytest.mark.parametrize("name", packages.OPTIONAL)
def test_the_hint_names_the_user_the_package_and_the_command(name: str) -> None:
    pattern = rf'plot needs {name}: pip install ({name}|"{name}>=[0-9.]+")( \(the extra `[a-z]+`\))?'
    assert re.fullmatch(pattern, missing("plot", name))


def test_several_packages_are_one_command() -> None:
    assert missing("this demo", "matplotlib", "pillow") == (
        "this demo needs matplotlib and pillow: pip install matplotlib pillow (the extra `demos`)"
    )


def test_an_unknown_package_is_an_error() -> None:
    with pytest.raises(KeyError, match="matplotlob"):
        missing("plot", "matplotlob")


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(ROOT)) for path in SOURCES])
def test_every_hint_is_made_by_one_function(path: Path) -> None:
    if path != Path(packages.__file__):
        strings = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert not [each for each in strings if isinstance(each, str) and "pip install" in each]
