"""The page's scripts: modules and layout."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from autograd.draw.layout import layout
from autograd.draw.page import FOLDER, SCRIPTS


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_imports_only_exported_names_of_earlier_scripts(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    for imported, source in re.findall(r"^import \{(.*)\} from \"\./(.*)\";$", text, re.MULTILINE):
        assert SCRIPTS.index(source) < SCRIPTS.index(name)
        exported = (FOLDER / source).read_text(encoding="utf-8")
        for each in imported.split(", "):
            assert re.search(rf"^export (function|const|let)\b.*\b{each}\b", exported, re.MULTILINE), f"{source} does not export {each}"


def test_joined_scripts_declare_each_name_once() -> None:
    text = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    names = re.findall(r"^(?:export )?(?:function|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))


# Layout and steps


LAYOUT = FOLDER / "layout.js"
PLACE = """
import {readFileSync} from "fs";
import {layout} from "./layout.mjs";
const cases = JSON.parse(readFileSync(0, "utf8"));
const placed = cases.map(({sizes, edges}) => layout(new Map(Object.entries(sizes)), edges));
process.stdout.write(JSON.stringify(placed.map(({places, routes}) => ({places: Object.fromEntries(places), routes}))));
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Any]], Any]:
    """The page's layout of several graphs at once, as a JavaScript engine has it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("the layout is tested where Node.js is")
    folder = tmp_path_factory.mktemp("layout")
    (folder / "layout.mjs").write_text(LAYOUT.read_text(encoding="utf-8"))
    (folder / "place.mjs").write_text(PLACE)

    def run(cases: list[Any]) -> Any:
        ran = subprocess.run([node, "place.mjs"], cwd=folder, input=json.dumps(cases), capture_output=True, text=True, check=True)
        return json.loads(ran.stdout)

    return run


def test_boxes_do_not_overlap_and_edges_go_to_the_right(place: Callable[[list[Any]], Any]) -> None:
    random, cases = Random(1), list[dict[str, Any]]()
    for _ in range(100):
        pairs = [random.sample(range(20), 2) for _ in range(random.randrange(60))]
        cases.append(
            {
                "sizes": {f"b{index}": (40.0 + index, 20.0 + index) for index in range(20)},
                "edges": [(f"b{min(pair)}", f"b{max(pair)}") for pair in pairs],
            }
        )
    for case, placed in zip(cases, place(cases)):
        sizes, places = case["sizes"], placed["places"]
        for tail, head in case["edges"]:
            assert places[tail][0] + sizes[tail][0] / 2 < places[head][0] - sizes[head][0] / 2
        for a, b in [(a, b) for a in sizes for b in sizes if a < b]:
            apart_x = abs(places[a][0] - places[b][0]) - (sizes[a][0] + sizes[b][0]) / 2
            apart_y = abs(places[a][1] - places[b][1]) - (sizes[a][1] + sizes[b][1]) / 2
            assert apart_x > 0 or apart_y >= 14 - 1e-6
        for route, (tail, head) in zip(placed["routes"], case["edges"]):
            assert (route[0], route[-1]) == (places[tail], places[head])
            assert all(left[0] < right[0] for left, right in pairwise(route))


def test_the_layout_of_files_is_that_of_the_page(place: Callable[[list[Any]], Any]) -> None:
    random, cases = Random(2), list[dict[str, Any]]()
    for _ in range(50):
        edges = [tuple(f"b{each}" for each in random.sample(range(12), 2)) for _ in range(random.randrange(30))]
        cases.append({"sizes": {f"b{index}": (40.0 + index, 20.0 + index) for index in range(12)}, "edges": edges})
    for case, placed in zip(cases, place(cases)):
        places, routes = layout(case["sizes"], case["edges"])
        assert {name: pytest.approx(point) for name, point in places.items()} == {name: placed["places"][name] for name in places}
        assert [[pytest.approx(point) for point in route] for route in routes] == placed["routes"]


def test_cycles_of_groups_are_laid_out(place: Callable[[list[Any]], Any]) -> None:
    edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "e2"), ("e2", "e")]
    (placed,) = place([{"sizes": dict.fromkeys(["a", "b", "c", "d", "e", "e2"], (40, 20)), "edges": edges}])
    places = placed["places"]
    assert places["a"][0] < places["b"][0] < places["c"][0] < places["d"][0]
    assert len({tuple(each) for each in places.values()}) == 6
