"""The page as one HTML file: modules in their order, nothing that is not in it, and what cannot stand in one file refused."""

import base64
import hashlib
import json
import re

import pytest

from playground import bundle

PLAIN = {
    "index.html": '<!doctype html><html><head><meta charset="utf-8">\n<link rel="icon" href="icon.svg">\n'
    '<link rel="stylesheet" href="style.css">\n<script type="module" src="main.js"></script>\n</head><body></body></html>',
    "style.css": "p { margin: 0; }",
    "icon.svg": "<svg/>",
    "main.js": 'import {a as b} from "./a.js";\nb();\n',
    "a.js": 'import {c} from "./c.js";\n/** Says it. */\nexport const a = () => c;\n',
    "c.js": "export class C {}\nexport async function* c() {}\n",
    "lessons/one.json": '{"title": "One"}',
}  # fmt: skip


def of(**changed: str) -> str:
    """The one file of other files, by names with _ for the dot."""
    files = {**PLAIN, **{name.replace("_", "."): text for name, text in changed.items()}}
    return bundle.page({name: text.encode() for name, text in files.items()})


def test_modules_become_functions_each_after_those_it_imports() -> None:
    assert bundle.script(PLAIN) == (
        "\nconst $modules = {};\n"
        '\n$modules["c.js"] = (() => {\nclass C {}\nasync function* c() {}\nreturn {C, c};\n})();\n'
        '\n$modules["a.js"] = (() => {\nconst {c} = $modules["c.js"];\n/** Says it. */\nconst a = () => c;\nreturn {a};\n})();\n'
        '\n$modules["main.js"] = (() => {\nconst {a: b} = $modules["a.js"];\nb();\nreturn {};\n})();\n'
    )


def test_reexports_are_exported() -> None:
    script = bundle.script({**PLAIN, "a.js": 'export {c as a, C} from "./c.js";\n'})
    assert '\n$modules["a.js"] = (() => {\n\nreturn {a: $modules["c.js"].c, C: $modules["c.js"].C};\n})();\n' in script


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (
            "a_js",
            "const a = 1;\nexport {a};",
            "a.js, line 2: 'export {a};' is not an import or export that fits into one file; see playground/bundle.py",
        ),
        ("a_js", "export let a = 1;", "a.js, line 1: 'export let a = 1;' is not an import or export that fits into one file"),
        ("a_js", 'import * as all from "./c.js";', "a.js, line 1: 'import * as all from \"./c.js\";' is not an import or export"),
        ("a_js", 'import {d} from "./d.js";', "a.js imports d.js, which does not exist"),
        (
            "c_js",
            'import {a} from "./a.js";',
            "main.js imports a.js imports c.js imports a.js: modules must not import each other in a circle",
        ),
        ("a_js", 'export const a = "</SCRIPT>";', "a.js contains </SCRIPT, which would end the <script> element"),
        ("style_css", "p {} /* </style> */", "style.css contains </style, which would end the <style> element"),
        ("index_html", "<p>", 'the page contains <meta charset="utf-8"> 0 times; it must contain it once'),
    ],
)
def test_unsupported_modules_are_refused(name: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        of(**{name: text})


def test_the_policy_allows_only_the_page_s_own_script_and_style() -> None:
    html = bundle.page()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
    directives = dict(each.split(maxsplit=1) for each in policy.split("; "))
    for name, pattern in (("script-src", r'<script type="module">(.*)</script>'), ("style-src", r"<style>(.*?)</style>")):
        (text,) = re.findall(pattern, html, re.DOTALL)
        assert directives.pop(name) == f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    assert directives == {"default-src": "'none'", "img-src": "data: blob:", "base-uri": "'none'", "form-action": "'none'"}
    assert html.index("Content-Security-Policy") < html.index("<style")
    assert bundle.page() == html


def test_lessons_are_quoted_in_the_page() -> None:
    text = "# </script> <!-- both are text -->"
    (found,) = re.findall(r'<script type="application/json" data-file="lessons/one.json">(.*?)</script>', of(**{"lessons/one_json": text}))
    assert json.loads(found) == text


def test_the_page_in_one_file_refers_to_no_other_file() -> None:
    html = bundle.page()
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', html)
