"""The change counter: numbers in the order of commits, so that readers can ask for what is new."""

from collections.abc import Iterator

from sqlalchemy import Connection, update

from .tables import counter


def take(connection: Connection, n: int = 1) -> int:
    """Reserve `n` numbers and return the last; its row stays locked until the transaction ends.

    A taker waits for the one before to commit: a reader that has seen `seq` s has seen all below.
    """
    taken = (
        update(counter)
        .where(counter.c.name == "change")
        .values(value=counter.c.value + n)
        .returning(counter.c.value)
    )
    return int(connection.execute(taken).scalar_one())


def numbers(connection: Connection, n: int) -> Iterator[int]:
    """Reserve `n` numbers and give them in ascending order."""
    last = take(connection, n) if n else 0
    return iter(range(last - n + 1, last + 1))
