"""Small wrong changes of a Python file: the other comparison, one more, the other end, a statement less."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {
    "min": "max", "minimum": "maximum", "floor": "ceil", "any": "all", "argmin": "argmax", "least": "most",
}  # fmt: skip
NAMES |= {other: one for one, other in NAMES.items()}
TEXTS = {"left": "right", "right": "left"}


class Mutant(NamedTuple):
    """One wrong change.

    Attributes:
        lines: The first and the last line of the statement, counted from 1.
        function: The function it is in, with its class; empty: none.
        before: The expression or statement as it stands.
        after: What it becomes.
        source: The whole file with the change.
    """

    lines: tuple[int, int]
    function: str
    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """The mutants of a file, in the order of its lines."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    data = source.encode()
    for statement, function, node, changed in _changes(ast.parse(source), ""):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        after = ast.unparse(changed)
        text = after if isinstance(changed, ast.stmt) else f"({after})"
        yield Mutant(
            (statement.lineno, statement.end_lineno or statement.lineno),
            function,
            ast.unparse(node),
            after,
            (data[:begin] + text.encode() + data[end:]).decode(),
        )


_Change = tuple[ast.stmt, str, ast.expr | ast.stmt, ast.AST]


def _changes(tree: ast.AST, function: str) -> Iterator[_Change]:
    for statement in getattr(tree, "body", []) + getattr(tree, "orelse", []) + getattr(tree, "finalbody", []):
        yield from _of_statement(statement, function)
    for handler in getattr(tree, "handlers", []) + getattr(tree, "cases", []):
        yield from _changes(handler, function)


def _of_statement(statement: ast.stmt, function: str) -> Iterator[_Change]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        if not (isinstance(statement, ast.ClassDef) and "Enum" in ast.unparse(statement).split("\n")[0]):
            yield from _changes(statement, f"{function}.{statement.name}".strip("."))
        return
    if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
        return
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    if is_text or isinstance(statement, ast.Import | ast.ImportFrom | ast.Raise | ast.AsyncFunctionDef):
        return
    if _can_go(statement):
        yield statement, function, statement, ast.Pass()
    for part in _parts(statement):
        for node, changed in _of_expression(part):
            yield statement, function, node, changed
    yield from _changes(statement, function)


def _can_go(statement: ast.stmt) -> bool:
    into = statement.targets[0] if isinstance(statement, ast.Assign) else None
    is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    return is_call or isinstance(statement, ast.AugAssign) or isinstance(into, ast.Subscript)


def _parts(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement itself, without annotations and without inner statements."""
    for name, value in ast.iter_fields(statement):
        if name in ("annotation", "targets", "target", "returns", "decorator_list"):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.expr):
                yield part
            elif isinstance(part, ast.withitem):
                yield part.context_expr


def _of_expression(expression: ast.expr) -> Iterator[tuple[ast.expr, ast.AST]]:
    if isinstance(expression, ast.JoinedStr):
        return
    yield from ((expression, changed) for changed in _variants(expression))
    for child in ast.iter_child_nodes(expression):
        if isinstance(child, ast.comprehension):
            for part in (child.iter, *child.ifs):
                yield from _of_expression(part)
        elif isinstance(child, ast.keyword):
            yield from _of_expression(child.value)
        elif isinstance(child, ast.expr):
            yield from _of_expression(child)


def _variants(node: ast.expr) -> Iterator[ast.AST]:  # noqa: C901 - one row of a table for each kind of node
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                ops = [*node.ops[:i], OPERATORS[type(op)](), *node.ops[i + 1 :]]
                yield ast.Compare(node.left, ops, node.comparators)
        case ast.BinOp() if type(node.op) in OPERATORS:
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        case ast.BoolOp():
            yield ast.BoolOp(OPERATORS[type(node.op)](), node.values)
        case ast.UnaryOp():
            yield node.operand
        case ast.IfExp():
            yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=float(value)):
            yield ast.Constant(value * 2 or 1.0)
        case ast.Constant(value=str(value)) if value in TEXTS:
            yield ast.Constant(TEXTS[value])
        case ast.Name(id=name) if name in NAMES:
            yield ast.Name(NAMES[name])
        case ast.Attribute(attr=name) if name in NAMES:
            yield ast.Attribute(node.value, NAMES[name])
