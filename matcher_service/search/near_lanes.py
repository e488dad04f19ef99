"""Eight sketches at once: the vector instruction that the index lives on, in LLVM's terms and so on any processor."""
# pyright: reportMissingParameterType=false
# ruff: noqa: ANN001, ANN202, ARG001 - numba's own convention for intrinsics: it reads the arguments' names and types

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from matcher_service.search.compiled import kernel

if TYPE_CHECKING:
    from collections.abc import Callable

    from matcher_service.search.template import Array

LANES = 8

_WORD = ir.IntType(64)
_WORDS = ir.VectorType(_WORD, LANES)
_SPREAD = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
_ANY = ir.Constant(_WORDS, ir.Undefined)


@intrinsic
def _near_lanes(_typing, words, offset, stride, one, other, limit):
    """LLVM's xor, count of set bits, addition and comparison, on twice eight words at once."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        array = context.make_array(signature.args[0])(context, builder, args[0])
        count = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_WORDS, [_WORDS]), f"llvm.ctpop.v{LANES}i64"
        )

        def differing(at: Any, word: Any) -> Any:  # noqa: ANN401 - llvmlite is not typed
            place = builder.bitcast(builder.gep(array.data, [at]), _WORDS.as_pointer())
            loaded = builder.load(place)
            loaded.align = 8
            return builder.call(count, [builder.xor(loaded, _everywhere(builder, word))])

        distance = builder.add(differing(args[1], args[3]), differing(builder.add(args[1], args[2]), args[4]))
        near = builder.icmp_unsigned("<=", distance, _everywhere(builder, args[5]))
        return builder.zext(builder.bitcast(near, ir.IntType(LANES)), _WORD)

    signature: tuple[Any, Callable[..., Any]] = (
        types.uint64(words, types.int64, types.int64, types.uint64, types.uint64, types.uint64),
        codegen,
    )
    return signature


@intrinsic
def _lowest_bit(_typing, word):
    """LLVM's count of trailing zeros."""

    def codegen(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        kind = ir.FunctionType(_WORD, [_WORD, ir.IntType(1)])
        count = cgutils.get_or_insert_function(builder.module, kind, "llvm.cttz.i64")
        return builder.call(count, [args[0], ir.Constant(ir.IntType(1), 1)])

    signature: tuple[Any, Callable[..., Any]] = (types.int64(word), codegen)
    return signature


@kernel
def near_lanes(words: Array, offset: int, stride: int, one: int, other: int, limit: int) -> int:
    """Which of eight sketches differ from another in at most `limit` bits: bit k of the answer for that at offset + k.

    `words` is a C-contiguous uint64 array with the sketches' first words and, `stride` further on, their second
    ones; that there are eight of both from `offset` on is not checked. `one` and `other` are the two words of the
    other sketch, uint64 like the limit.
    """
    return _near_lanes(words, offset, stride, one, other, limit)  # pyright: ignore[reportCallIssue]


@kernel
def lowest_bit(word: int) -> int:
    """Place of the lowest bit that is set in a uint64 that is not 0."""
    return _lowest_bit(np.uint64(word))  # pyright: ignore[reportCallIssue]


def _everywhere(builder: Any, scalar: Any) -> Any:  # noqa: ANN401 - llvmlite is not typed
    first = builder.insert_element(_ANY, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, _ANY, _SPREAD)
