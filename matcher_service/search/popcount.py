"""Bits set in a 64-bit word, as one machine instruction."""
# pyright: reportMissingParameterType=false

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from matcher_service.search.compiled import kernel


@intrinsic
def _ctpop(_typing, _word):  # noqa: ANN001, ANN202 - numba's own convention for intrinsics
    """LLVM's count of set bits."""

    def codegen(_context, builder, _signature, args):  # noqa: ANN001, ANN202
        declared = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(declared, args)

    return types.int64(types.uint64), codegen


@kernel
def popcount(word: int) -> int:
    """Number of bits set in a uint64."""
    return _ctpop(word)  # pyright: ignore[reportCallIssue]
