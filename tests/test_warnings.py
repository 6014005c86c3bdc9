"""Which warnings fail the tests: the filters in pyproject.toml."""

import warnings

import pytest

OWN = ["autograd", "autograd.value", "nn.training", "playground.session", "demos", "tests.test_native", "__main__", "<string>"]
OTHERS = ["numpy", "numpy.lib.npyio", "matplotlib.axes", "jax", "nnx", "autograd_of_others", "selenium.webdriver"]
DEPRECATIONS = [DeprecationWarning, PendingDeprecationWarning, FutureWarning]


def warn(category: type[Warning], module: str) -> None:
    warnings.warn_explicit(f"a warning attributed to {module}", category, "file.py", 1, module)


@pytest.mark.parametrize("category", [*DEPRECATIONS, UserWarning, RuntimeWarning, ResourceWarning])
@pytest.mark.parametrize("module", OWN)
def test_warnings_attributed_to_our_modules_are_errors(category: type[Warning], module: str) -> None:
    with pytest.raises(category, match="a warning attributed to"):
        warn(category, module)


@pytest.mark.parametrize("category", DEPRECATIONS)
@pytest.mark.parametrize("module", OTHERS)
def test_deprecations_within_dependencies_are_not_errors(category: type[Warning], module: str) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warn(category, module)
    assert [each.category for each in shown] == [category]


@pytest.mark.parametrize("module", OTHERS)
def test_other_warnings_of_dependencies_are_errors(module: str) -> None:
    with pytest.raises(RuntimeWarning):
        warn(RuntimeWarning, module)
