"""What the clause before is worth to the embedded model: chrF of clauses whose pronouns, genders or subjects depend on it.

As in a conversation, the clause before is translated first. Only the clause itself is scored.
"""

import asyncio
from dataclasses import replace

from figures import Figure, figure
from translate_client import Client, service
from translate_quality import chrf
from translate_sets import Pair, in_context


async def measure(limit: int | None) -> list[Figure]:
    """Translates each clause without the clause before, then with it."""
    clauses = in_context()[:limit]
    alone, helped, helped_ms, alone_ms = [], [], [], []
    async with service(use_context=True) as address, Client(address) as client:
        for row in clauses:
            await client.translate(row.previous, row.source, row.target)
            without = await client.translate(row.clause, row.source, row.target)
            with_it = await client.translate(row.clause, row.source, row.target, context=row.previous)
            alone.append(without.text)
            helped.append(with_it.text)
            alone_ms.append(without.compute_ms)
            helped_ms.append(with_it.compute_ms)
    rows = []
    for target in ("en", "es"):
        chosen = [number for number, row in enumerate(clauses) if row.target == target]
        if chosen:
            pairs = [Pair(clauses[number].clause, clauses[number].translation) for number in chosen]
            before = chrf([alone[number] for number in chosen], pairs)
            after = chrf([helped[number] for number in chosen], pairs)
            score = figure(
                f"into {target}: chrF with the clause before, against without",
                [after],
                "",
                baseline=[before],
                larger_is_better=True,
            )
            rows.append(replace(score, runs=len(pairs), p95=None))
    rows.append(figure("the engine with the clause before, against without", helped_ms, "ms", baseline=alone_ms))
    return rows


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many clauses.
    """
    return asyncio.run(measure(limit))
