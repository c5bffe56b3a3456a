"""LLVM instructions for vectors of 16 lanes: loads, stores, fused multiply-adds, loops, choices at run time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir
from numba.core import cgutils

LANES = 16

_I32, _I64 = ir.IntType(32), ir.IntType(64)


class Emitter:
    """Writes LLVM instructions for one element type into the current position of a builder."""

    def __init__(self, builder: ir.IRBuilder, element: ir.Type) -> None:
        self.builder = builder
        self.element = element
        self.bytes = 4 if isinstance(element, ir.FloatType) else 8
        self.vector = ir.VectorType(element, LANES)
        self.zero = self.zeros(LANES)

    def zeros(self, lanes: int) -> ir.Value:
        return ir.Constant(ir.VectorType(self.element, lanes), [0.0] * lanes)

    def at(self, pointer: ir.Value, offset: ir.Value | int) -> ir.Value:
        return self.builder.gep(pointer, [_I64(offset) if isinstance(offset, int) else offset])

    def load(self, pointer: ir.Value, lanes: int = LANES) -> ir.Value:
        kind = ir.VectorType(self.element, lanes)
        return self.builder.load(self.builder.bitcast(pointer, kind.as_pointer()), align=self.bytes)

    def store(self, value: ir.Value, pointer: ir.Value) -> None:
        self.builder.store(value, self.builder.bitcast(pointer, value.type.as_pointer()), align=self.bytes)

    def load_everywhere(self, pointer: ir.Value) -> ir.Value:
        """One number of memory in all lanes."""
        return self.everywhere(self.builder.load(pointer, align=self.bytes))

    def everywhere(self, number: ir.Value) -> ir.Value:
        """One number in all lanes."""
        one = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), number, _I32(0))
        return self.shuffle(one, one, [0] * LANES)

    def shuffle(self, a: ir.Value, b: ir.Value, lanes: Sequence[int]) -> ir.Value:
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(lanes)), list(lanes)))

    def multiply_add(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a b + c, rounded once."""
        name = f"llvm.fma.v{LANES}f{8 * self.bytes}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c])

    def repeat(self, count: ir.Value, carried: Sequence[ir.Value], body: Callable) -> list[ir.Value]:
        """``for i in range(count): carried = body(i, carried)`` for a count of at least 1."""
        builder = self.builder
        before = builder.block
        loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        index = builder.phi(_I64)
        index.add_incoming(_I64(0), before)
        variables = [builder.phi(value.type) for value in carried]
        results = body(index, variables)
        following = builder.add(index, _I64(1))
        end = builder.block
        index.add_incoming(following, end)
        for variable, first, result in zip(variables, carried, results, strict=True):
            variable.add_incoming(first, before)
            variable.add_incoming(result, end)
        builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
        builder.position_at_end(after)
        return results

    def choose(self, number: ir.Value, most: int, body: Callable[[int], None]) -> None:
        """``body(number)`` for the value, 0 ... most, that ``number`` has at run time; nothing for 0."""
        builder = self.builder
        done = builder.append_basic_block("chosen")
        switch = builder.switch(number, done)
        for case in range(1, most + 1):
            block = builder.append_basic_block(f"case{case}")
            switch.add_case(_I64(case), block)
            builder.position_at_end(block)
            body(case)
            builder.branch(done)
        builder.position_at_end(done)

    def tile(self, total: ir.Value, size: int, body: Callable[[ir.Value, int], None]) -> None:
        """``body(start, size)`` for all whole tiles of a range, then ``body(start, rest)`` for what is left."""
        builder = self.builder
        whole = builder.udiv(total, _I64(size))
        with builder.if_then(builder.icmp_signed(">", whole, _I64(0))):

            def one(index: ir.Value, _: Sequence[ir.Value]) -> list[ir.Value]:
                body(builder.mul(index, _I64(size)), size)
                return []

            self.repeat(whole, [], one)
        start = builder.mul(whole, _I64(size))
        if size > 1:
            self.choose(builder.sub(total, start), size - 1, lambda rest: body(start, rest))


def define(module: ir.Module, name: str, arguments: Sequence[ir.Type], element: ir.Type, body: Callable) -> ir.Function:
    """The function ``name`` of the module, written by ``body(emitter, *arguments)`` unless it exists already."""
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    body(Emitter(builder, element), *function.args)
    builder.ret_void()
    return function
