"""The page as one HTML file, for notebooks and saved pages, which have no server.

The page's modules become functions in one script, each after those that it imports. Their import and export lines are replaced:

    import {at} from "./dom.js";        const {at} = $modules["dom.js"];
    export const at = ...               const at = ...   and at the end of the function   return {at, ...};

So the served page and the page in one file have the same source. A module with other import or export lines raises an error that
names the line. The file requests nothing: its Content-Security-Policy allows only its own script and style, by their hashes.
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
NUMBERS = Path(autograd.__file__).parent / "draw" / "numbers.js"  # the page shares this module with drawings of graphs
ENTRY = "main.js"
CHARSET = '<meta charset="utf-8">'
STATE = '<script type="application/json" id="saved">null</script>'  # the place of a saved state, which host.js reads
IMPORT = re.compile(r'import \{([^{}]+)\} from "\./([\w.-]+)";')
REEXPORT = re.compile(r'export \{([^{}]+)\} from "\./([\w.-]+)";')
EXPORT = re.compile(r"export ((?:const|class|function\*?|async function\*?) ([\w$]+)\b.*)")


def page(files: Mapping[str, bytes] | None = None) -> str:
    """The page and all its files as one HTML file. `files` are other files than the page's own, by name.

    Raises ValueError, which names file and line, if a file cannot be included.
    """
    texts = {name: content.decode() for name, content in (published(page_files()) if files is None else files).items()}
    code, style = script(texts), _closed("style.css", texts["style.css"], "style")
    icon = base64.b64encode(texts["icon.svg"].encode()).decode()
    may_run = f"script-src '{_hash(code)}'; style-src '{_hash(style)}'"
    policy = f"default-src 'none'; {may_run}; img-src data: blob:; base-uri 'none'; form-action 'none'"
    quoted = {name: json.dumps(text).replace("<", "\\u003c") for name, text in texts.items() if name.startswith(FOLDER)}
    beside = "".join(f'<script type="application/json" data-file="{name}">{text}</script>\n' for name, text in quoted.items())
    html = with_head(texts["index.html"], f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    for old, new in (
        ('href="icon.svg"', f'href="data:image/svg+xml;base64,{icon}"'),
        ('<link rel="stylesheet" href="style.css">', f"<style>{style}</style>"),
        (f'<script type="module" src="{ENTRY}"></script>\n', ""),
        ("</body>", f'{STATE}\n{beside}<script type="module">{code}</script>\n</body>'),
    ):
        html = replaced(html, old, new)
    return html


def page_files() -> dict[str, bytes]:
    """The page's files, by their paths."""
    own = {path.relative_to(PAGE).as_posix(): path.read_bytes() for path in sorted(PAGE.rglob("*")) if path.is_file()}
    return own | {NUMBERS.name: NUMBERS.read_bytes()}


def with_head(html: str, *lines: str) -> str:
    """The page with more lines at the start of its head."""
    return replaced(html, CHARSET, "\n".join([CHARSET, *lines]))


def replaced(text: str, old: str, new: str) -> str:
    """The text with `old` replaced by `new`. Raises ValueError unless `old` is in it exactly once."""
    if text.count(old) != 1:
        raise ValueError(f"the page contains {old} {text.count(old)} times; it must contain it once")
    return text.replace(old, new)


def script(modules: Mapping[str, str], entry: str = ENTRY) -> str:
    """One script with the entry module and all modules that it imports. Raises ValueError if a module cannot be included."""
    functions: dict[str, str] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in functions:
            return
        if name in above:
            raise ValueError(f"{' imports '.join((*above, name))}: modules must not import each other in a circle")
        if name not in modules:
            raise ValueError(f"{above[-1]} imports {name}, which does not exist")
        needed, function = _function(name, modules[name])
        for each in needed:
            add(each, (*above, name))
        functions[name] = function

    add(entry, ())
    return "\nconst $modules = {};\n" + "".join(functions.values())


def _function(name: str, text: str) -> tuple[list[str], str]:
    """The modules that a module imports, and its text as a function that is called immediately."""
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
            raise ValueError(
                f"{name}, line {count}: {line!r:.80} is not an import or export that fits into one file; see playground/bundle.py"
            )
        else:
            lines.append(line)
    body = "\n".join(lines)
    return needed, f'\n$modules["{name}"] = (() => {{\n{body}\nreturn {{{", ".join(exported)}}};\n}})();\n'


def _closed(name: str, text: str, element: str) -> str:
    """The text, if it can be put inside an element. Raises ValueError if it would end the element."""
    if found := re.search(rf"</{element}|<!--", text, re.IGNORECASE):
        raise ValueError(f"{name} contains {found[0]}, which would end the <{element}> element")
    return text


def _hash(text: str) -> str:
    """The hash of an inline script or style sheet for a policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
