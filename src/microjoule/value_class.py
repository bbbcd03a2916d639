"""``dataclass`` for frozen classes, made in a fifth of the time.

The standard decorator compiles six functions for each class. Seventy classes are made before ``uj run``
starts its command, and their functions took a quarter of the time that importing NumPy and Arrow takes.
Here only the constructor is compiled; the other methods are closures over the names of the fields. The
standard decorator still collects the fields, so ``fields``, ``replace``, ``asdict`` and type checkers see no
difference.

Decision: what no class here uses is not supported: ``init=False``, ``InitVar``, a base that is not frozen.
Python 3.13 compiles a class's functions at once; when it is the oldest supported version, this
file can go.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Never, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass

__all__ = ["dataclass"]

C = TypeVar("C")


def _value_class(
    *,
    frozen: bool,
    slots: bool = False,
    kw_only: bool = False,
    eq: bool = True,
    repr: bool = True,  # noqa: A002 - the standard name
) -> Callable[[type[C]], type[C]]:
    """As ``dataclasses.dataclass``, of a frozen class."""
    if not frozen:
        raise TypeError("Take dataclasses.dataclass where a class is not frozen")

    def made(cls: type[C]) -> type[C]:
        own = set(cls.__dict__)
        hashes = cls.__dict__.get("__hash__") is not None
        cls.__doc__ = cls.__doc__ or cls.__qualname__  # or the signature would be worked out, in 2 ms
        plain = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
        methods: dict[str, Any] = {"__init__": _constructor(plain), **_FROZEN}
        methods |= {"__repr__": _repr(plain)} if repr else {}
        methods |= {"__eq__": _eq(plain)} if eq else {}
        methods |= _STATE if slots else {}
        for name, method in methods.items():
            if name not in own:
                setattr(plain, name, method)
        if eq and not hashes:
            plain.__hash__ = _hash(plain)  # type: ignore[method-assign, assignment]
        return plain

    return made


if not TYPE_CHECKING:
    dataclass = _value_class


def _constructor(cls: type) -> Any:  # noqa: ANN401 - a function of any signature
    """``__init__``: the one method that is compiled, because its arguments have names."""
    known: dict[str, Any] = {"_set": object.__setattr__, "_absent": MISSING}
    positional, keyword, body = ["self"], list[str](), list[str]()
    for field in dataclasses.fields(cls):
        name, parameter, value = field.name, field.name, field.name
        if field.default is not MISSING:
            known[f"_of_{name}"] = field.default
            parameter += f"=_of_{name}"
        elif field.default_factory is not MISSING:
            known[f"_of_{name}"] = field.default_factory
            parameter += "=_absent"
            value = f"_of_{name}() if {name} is _absent else {name}"
        (keyword if field.kw_only else positional).append(parameter)
        body.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    parameters = ", ".join([*positional, *(["*", *keyword] if keyword else [])])
    exec("\n".join([f"def __init__({parameters}):", *body, " return None"]), known)
    init = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {field.name: field.type for field in dataclasses.fields(cls)} | {"return": None}
    return init


def _values(names: list[str]) -> Callable[[Any], Any]:
    """What compares and hashes as the values of these fields do."""
    return attrgetter(*names) if names else lambda _: ()


def _repr(cls: type) -> Callable[[Any], str]:
    names = [field.name for field in dataclasses.fields(cls) if field.repr]

    def write(self: Any) -> str:  # noqa: ANN401 - of the class it is put into
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return write


def _eq(cls: type) -> Callable[[Any, object], bool]:
    values = _values([field.name for field in dataclasses.fields(cls) if field.compare])

    def equal(self: Any, other: object) -> bool:  # noqa: ANN401
        return bool(values(self) == values(other)) if type(self) is type(other) else NotImplemented

    return equal


def _hash(cls: type) -> Callable[[Any], int]:
    fields = dataclasses.fields(cls)
    values = _values([each.name for each in fields if (each.compare if each.hash is None else each.hash)])

    def hashed(self: Any) -> int:  # noqa: ANN401
        return hash(values(self))

    return hashed


def _refuse_set(self: object, name: str, value: object) -> Never:  # noqa: ARG001 - Python's own signature
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> Never:  # noqa: ARG001
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:  # noqa: ANN401
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:  # noqa: ANN401
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)


_FROZEN = {"__setattr__": _refuse_set, "__delattr__": _refuse_delete}
_STATE = {"__getstate__": _state, "__setstate__": _restore}
