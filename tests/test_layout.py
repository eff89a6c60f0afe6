"""Imports point down: each room's first page says what it may import, and no two modules import each other."""

import ast
import importlib
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINGS = {"avsi": {"avsi"}, "data_prep": {"avsi", "data_prep"}, "evaluation": {"avsi", "evaluation"}}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for wing in WINGS
    for path in (ROOT / wing).rglob("*.py")
}


@cache
def imports_of(module: str) -> dict[str, int]:
    """The modules of this project that one imports, with the line, those for type checkers alone left out."""
    path, found = MODULES[module], {}
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
            base = [*package[: len(package) - node.level + 1], *filter(None, [node.module])]
            base = ".".join(base) if node.level else node.module
            names = [f"{base}.{name}" if f"{base}.{name}" in MODULES else base for name in names]
        found |= {name: node.lineno for name in names if name in MODULES}
    return found


def room_of(module: str) -> str:
    """Such as ``avsi.data``; of a module at the top of a wing, that wing."""
    wing, *inner = module.split(".")
    folder = inner and (ROOT / wing / inner[0]).is_dir()
    return f"{wing}.{inner[0]}" if folder else wing


def allowed(room: str) -> set[str] | None:
    """The rooms that a room may import, by its ``__init__``; None where it sets no limit but the wing's."""
    text = ast.get_docstring(ast.parse(MODULES[room].read_text("utf-8"))) or ""
    said = re.search(r"May import: (.*?)\.(\s|$)", text, re.DOTALL)
    if "." not in room or not said:
        return None
    wing = room.split(".")[0]
    names = re.findall(r"\w+", said[1].replace("the modules at the top of avsi", "" if wing == "avsi" else "avsi"))
    return {f"{wing}.{name}" for name in names if f"{wing}.{name}" in MODULES} | {room}


ROOMS = sorted({room_of(module) for module in MODULES})


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_its_room_may(module):
    room = room_of(module)
    wing, may = room.split(".")[0], allowed(room)
    for other, line in imports_of(module).items():
        place = f"{MODULES[module].relative_to(ROOT)}:{line} imports {other}"
        assert other.split(".")[0] in WINGS[wing], f"{place}, in another wing"
        beside_it = room_of(other) == wing and other != f"{wing}.cli"
        if may is not None and other.split(".")[0] == wing:
            assert room_of(other) in may or (wing == "avsi" and beside_it), f"{place}: {room} may not"


def test_what_lies_at_the_top_of_the_library_imports_no_room():
    for module in MODULES:
        if room_of(module) == "avsi" and module not in ("avsi", "avsi.cli"):
            assert {room_of(other) for other in imports_of(module)} <= {"avsi"}, module


def test_no_module_imports_itself_in_the_end():
    TopologicalSorter({module: imports_of(module) for module in MODULES}).prepare()


CORPORA = (
    "data_prep.grid",
    "data_prep.mini_grid",
    "data_prep.mini_speech",
    "data_prep.recordings",
)  # programs, as data_prep


def test_each_room_says_what_lives_there_and_what_it_may_import():
    for room in ROOMS:
        if room not in ("avsi", *CORPORA):
            text = ast.get_docstring(ast.parse(MODULES[room].read_text("utf-8")))
            assert "May import: " in text, room


def test_no_rule_names_a_room_that_is_not_there():
    for room in ROOMS:
        text = ast.get_docstring(ast.parse(MODULES[room].read_text("utf-8"))) or ""
        for name in re.findall(r"\w+", (re.findall(r"May import: (.*?), (?:and|nothing)", text, re.DOTALL) or [""])[0]):
            wing = room.split(".")[0]
            assert f"{wing}.{name}" in MODULES or name == "avsi", f"{room}: {name}"


def test_every_module_can_be_imported():
    """Such as one whose annotations name what is imported for type checkers alone."""
    for module in sorted(MODULES):
        if not module.endswith(("__main__", ".espeak")):  # programs
            importlib.import_module(module)
