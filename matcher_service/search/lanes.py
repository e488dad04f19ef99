"""Eight float32 at a time, as one value of compiled code.

LLVM makes vector code of most plain loops by itself. It does not of loops of eight turns, because it unrolls them
first; where they are the innermost of all, kernels say with these what they mean. One machine instruction each
with AVX, two with NEON or SSE.
"""
# pyright: reportMissingParameterType=false, reportUnusedFunction=false
# ruff: noqa: ANN001, ANN201, ANN202, PLW0108 - numba's own convention for intrinsics and overloads

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 8
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)


class LanesType(types.Type):
    """Numba's name for eight float32."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, type_) -> None:
        super().__init__(manager, type_, _VECTOR)


def _instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """An intrinsic, as type checkers should see it: its first parameter is numba's, the others are the caller's."""
    return intrinsic(function)


def _address(context, builder, array_type, array, index, vector):
    """Pointer to the element at `index` of a contiguous array, as a pointer to a vector."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


@_instruction
def load(_typing, array, _index):
    """The eight elements from `index` on of a contiguous float32 array."""

    def codegen(context, builder, signature, args):
        at = _address(context, builder, signature.args[0], args[0], args[1], _VECTOR)
        return builder.load(at, align=4)

    return LANES(array, types.intp), codegen


@_instruction
def store(_typing, array, _index, _lanes):
    """Write eight elements from `index` on."""

    def codegen(context, builder, signature, args):
        at = _address(context, builder, signature.args[0], args[0], args[1], _VECTOR)
        builder.store(args[2], at, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES), codegen


@_instruction
def spread(_typing, _value):
    """The same number in every lane."""

    def codegen(_context, builder, _signature, args):
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), args[0], ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), zeros)

    return LANES(types.float32), codegen


@_instruction
def multiply_add(_typing, _a, _b, _c):
    """``a * b + c``, rounded once where the processor can."""

    def codegen(_context, builder, _signature, args):
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        declared = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{WIDTH}f32")
        return builder.call(declared, args)

    return LANES(LANES, LANES, LANES), codegen


@_instruction
def smaller(_typing, _a, _b):
    """The smaller of two, lane by lane."""

    def codegen(_context, builder, _signature, args):
        return builder.select(builder.fcmp_ordered("<", *args), *args)

    return LANES(LANES, LANES), codegen


@_instruction
def larger(_typing, _a, _b):
    """The larger of two, lane by lane."""

    def codegen(_context, builder, _signature, args):
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return LANES(LANES, LANES), codegen


@_instruction
def kept_from(_typing, _value, _least):
    """`value` where it is at least `least`, else 0."""

    def codegen(_context, builder, _signature, args):
        return builder.select(builder.fcmp_ordered(">=", *args), args[0], ir.Constant(_VECTOR, [0.0] * WIDTH))

    return LANES(LANES, LANES), codegen


@_instruction
def where_at_least(_typing, _value, _least):
    """A word with bit k set where lane k is at least that of `least`."""

    def codegen(_context, builder, _signature, args):
        bits = builder.bitcast(builder.fcmp_ordered(">=", *args), ir.IntType(WIDTH))
        return builder.zext(bits, ir.IntType(64))

    return types.uint64(LANES, LANES), codegen


@_instruction
def word_at_least(_typing, array, _index, _least):
    """A word with bit k set where element ``index + k`` of 64 is at least `least`."""
    wide = ir.VectorType(ir.FloatType(), 64)

    def codegen(context, builder, signature, args):
        values = builder.load(_address(context, builder, signature.args[0], args[0], args[1], wide), align=4)
        one = builder.insert_element(ir.Constant(wide, ir.Undefined), args[2], ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), 64), [0] * 64)
        least = builder.shuffle_vector(one, ir.Constant(wide, ir.Undefined), zeros)
        return builder.bitcast(builder.fcmp_ordered(">=", values, least), ir.IntType(64))

    return types.uint64(array, types.intp, types.float32), codegen


def _elementwise(name):
    @_instruction
    def operate(_typing, _a, _b):
        def codegen(_context, builder, _signature, args):
            return getattr(builder, name)(*args)

        return LANES(LANES, LANES), codegen

    return operate


_add, _subtract, _multiply = _elementwise("fadd"), _elementwise("fsub"), _elementwise("fmul")


@overload(operator.add)
def _overload_add(a, b):
    if a is LANES and b is LANES:
        return lambda a, b: _add(a, b)
    return None


@overload(operator.sub)
def _overload_sub(a, b):
    if a is LANES and b is LANES:
        return lambda a, b: _subtract(a, b)
    return None


@overload(operator.mul)
def _overload_mul(a, b):
    if a is LANES and b is LANES:
        return lambda a, b: _multiply(a, b)
    return None
