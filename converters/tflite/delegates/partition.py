"""Into how many pieces a graph falls when a delegate takes some of its operators."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence

from converters.tflite.delegates.operators import Operator


def pieces(operators: Sequence[Operator], taken: Sequence[bool]) -> list[bool]:
    """The pieces in the order in which they run: True for one of the delegate's.

    As TFLite does it (tensorflow/lite/graph_info.cc, PartitionGraphIntoIndependentNodeSubsets): a piece begins
    with the first operator whose inputs are there, and takes in every further one of its own kind (taken or left)
    whose inputs are there, wherever it stands. Operators in a circle never run and are in no piece.
    """
    makers: dict[int, int] = {}
    for number, operator in enumerate(operators):
        for output in operator.outputs:
            makers.setdefault(output.tensor.index, number)
    waits: list[int] = []
    users: defaultdict[int, list[int]] = defaultdict(list)
    ready: dict[bool, list[int]] = {True: [], False: []}
    for number, operator in enumerate(operators):
        before = {makers[i.tensor.index] for i in operator.inputs if i and i.tensor.index in makers}
        waits.append(len(before))
        for maker in before:
            users[maker].append(number)
        if not before:
            ready[bool(taken[number])].append(number)
    found: list[bool] = []
    while ready[True] or ready[False]:
        kind = min((heap[0], kind) for kind, heap in ready.items() if heap)[1]
        found.append(kind)
        while ready[kind]:
            for user in users[heapq.heappop(ready[kind])]:
                waits[user] -= 1
                if waits[user] == 0:
                    heapq.heappush(ready[bool(taken[user])], user)
    return found
