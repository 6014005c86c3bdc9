"""The page as one HTML file, for where there is no server to ask for the others: in a notebook's cell, or as a saved state.

The page's modules become functions in one script, each after those that it imports, and its import and export lines what they mean there:

    import {at} from "./dom.js";        const {at} = $modules["dom.js"];
    export const at = ...               const at = ...   and at the end of the function   return {at, ...};

So the page that is served and the page in one file are the same lines. A module whose lines are others than these is refused, with the
line. The file asks for nothing: its Content-Security-Policy lets run what is in it, known by its hash, and no more.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import autograd
from playground.lessons import FOLDER, published

PAGE = Path(__file__).parent / "page"
NUMBERS = Path(autograd.__file__).parent / "draw" / "numbers.js"  # a module that the page shares with the drawings'
ENTRY = "main.js"
STATE = '<script type="application/json" id="saved">null</script>'  # where a saved state is put in: host.js looks for it
IMPORT = re.compile(r'import \{([^{}]+)\} from "\./([\w.-]+)";')
REEXPORT = re.compile(r'export \{([^{}]+)\} from "\./([\w.-]+)";')
EXPORT = re.compile(r"export ((?:const|class|function\*?|async function\*?) ([\w$]+)\b.*)")


def page(files: Mapping[str, bytes] | None = None) -> str:
    """The page and all that it needs, as one HTML file; of other files than the page's own, if given by their names.

    Raises ValueError, naming file and line, for what cannot stand in one file.
    """
    texts = {name: content.decode() for name, content in (published(page_files()) if files is None else files).items()}
    code, style = script(texts), _closed("style.css", texts["style.css"], "style")
    icon = base64.b64encode(texts["icon.svg"].encode()).decode()
    may_run = f"script-src '{_hash(code)}'; style-src '{_hash(style)}'"
    policy = f"default-src 'none'; {may_run}; img-src data: blob:; base-uri 'none'; form-action 'none'"
    told = {name: json.dumps(text).replace("<", "\\u003c") for name, text in texts.items() if name.startswith(FOLDER)}
    beside = "".join(f'<script type="application/json" data-file="{name}">{text}</script>\n' for name, text in told.items())
    html = texts["index.html"]
    for old, new in (
        ('<meta charset="utf-8">', f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        ('href="icon.svg"', f'href="data:image/svg+xml;base64,{icon}"'),
        ('<link rel="stylesheet" href="style.css">', f"<style>{style}</style>"),
        (f'<script type="module" src="{ENTRY}"></script>\n', ""),
        ("</body>", f'{STATE}\n{beside}<script type="module">{code}</script>\n</body>'),
    ):
        html = replaced(html, old, new)
    return html


def page_files() -> dict[str, bytes]:
    """The page's files, by the paths that they are asked for."""
    own = {path.relative_to(PAGE).as_posix(): path.read_bytes() for path in sorted(PAGE.rglob("*")) if path.is_file()}
    return own | {NUMBERS.name: NUMBERS.read_bytes()}


def replaced(text: str, old: str, new: str) -> str:
    """A text with one thing in another's place. Raises ValueError where it is not there, or more than once."""
    if text.count(old) != 1:
        raise ValueError(f"the page has {old} {text.count(old)} times, and it must be there once")
    return text.replace(old, new)


def script(modules: Mapping[str, str], entry: str = ENTRY) -> str:
    """One script that does what the entry does, and before it all that it imports. Raises ValueError for what this cannot be done with."""
    functions: dict[str, str] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in functions:
            return
        if name in above:
            raise ValueError(f"{' imports '.join((*above, name))}: modules that import each other in a circle cannot follow one another")
        if name not in modules:
            raise ValueError(f"{above[-1]} imports {name}, which is not there")
        needed, function = _function(name, modules[name])
        for each in needed:
            add(each, (*above, name))
        functions[name] = function

    add(entry, ())
    return "\nconst $modules = {};\n" + "".join(functions.values())


def _function(name: str, text: str) -> tuple[list[str], str]:
    """A module as a function that is called at once: which ones it needs, and its text."""
    needed, exported, lines = [], [], []
    for count, line in enumerate(_closed(name, text, "script").splitlines(), start=1):
        if found := IMPORT.fullmatch(line):
            needed.append(found[2])
            lines.append(f'const {{{found[1].replace(" as ", ": ")}}} = $modules["{found[2]}"];')
        elif found := REEXPORT.fullmatch(line):
            needed.append(found[2])
            names = [each.strip().partition(" as ") for each in found[1].split(",")]
            exported += [f'{new or old}: $modules["{found[2]}"].{old}' for old, _, new in names]
        elif found := EXPORT.fullmatch(line):
            exported.append(found[2])
            lines.append(found[1])
        elif re.match(r"(import|export)\b", line):
            raise ValueError(f"{name}, line {count}: {line!r:.80} is no import or export that goes into one file; see playground/bundle.py")
        else:
            lines.append(line)
    body = "\n".join(lines)
    return needed, f'\n$modules["{name}"] = (() => {{\n{body}\nreturn {{{", ".join(exported)}}};\n}})();\n'


def _closed(name: str, text: str, element: str) -> str:
    """A text that can stand inside an element: nothing in it ends the element before its time."""
    if found := re.search(rf"</{element}|<!--", text, re.IGNORECASE):
        raise ValueError(f"{name} has {found[0]} in it, which would end the <{element}> that it is put in")
    return text


def _hash(text: str) -> str:
    """How a policy names an inline script or style sheet."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
