"""Answers: ready JSON bytes, and the same answer again for the same Idempotency-Key."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request, Response
from sqlalchemy import Connection

from features.instants import DAY, NEVER, SECOND, render
from features.store.answers import QUEUES, Answer, Asked, claim, forget, give_up, keep, silence
from features.store.engine import reading, transaction
from features.store.resources import suppressed_among

from ..access import Principal
from ..errors import IdempotencyKeyReused, LeaseExpired, MalformedBody, StillAtWork
from ..handout import Batch, Seal
from .dependencies import Body, Service, ServiceDep

_INSTANTS = ("_at", "until", "start", "end")
"""How the names of instants end, but for a plain `at`."""
_LONGEST_LEASE = 900 * SECOND
_REPLAYED = {"Idempotency-Replayed": "true"}


def reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; NaN is null."""
    given = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(given, status, headers, "application/json")


def read_json(body: bytes) -> object:
    """The body's JSON; what isn't JSON is a MalformedBody."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(line=error.lineno, column=error.colno) from None


def plain(value: object) -> object:
    """A value in the wire's terms: dataclasses as objects, instants as RFC 3339, NEVER as null."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {name: _named(str(name), one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(one) for one in value]
    return value


def _named(name: str, value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and (name == "at" or name.endswith(_INSTANTS)):
        return when(value)
    return plain(value)


def when(at: int | None) -> str | None:
    """An instant on the wire, null for what never happens."""
    return None if at is None or abs(at) == NEVER else render(at)


@dataclass(frozen=True)
class Once:
    """One use of an endpoint that changes something, under its Idempotency-Key if it has one."""

    service: Service
    key: str | None
    route: str
    body: bytes

    def name(self, principal: Principal) -> str:
        """What names this use: its key, else chance; nothing where requests say the time.

        There runs must repeat themselves: who needs a name finds one in what happened before.
        """
        if self.key is None:
            return "" if self.service.clock.mode == "request" else secrets.token_hex(8)
        return f"{principal.name}|{self.key}"

    def answer(self, principal: Principal, at: int, work: Callable[[], Response]) -> Response:
        """Do the work once; give its answer again for a day."""
        if self.key is None:
            return work()
        asked = self._asked(self.key, principal)
        with transaction(self.service.engine) as connection:
            self._sweep(connection, at)
            found = claim(connection, asked, at)
        if found is not None:
            return _again(asked, found, at)
        try:
            answer = work()
        except BaseException:
            with transaction(self.service.engine) as connection:
                give_up(connection, asked)
            raise
        with transaction(self.service.engine) as connection:
            keep(connection, asked, answer.status_code, bytes(answer.body))
        return answer

    def lease(
        self,
        principal: Principal,
        at: int,
        life: int,
        work: Callable[[Seal], Batch],
        told: Callable[[Batch], Response],
    ) -> Response:
        """Hand out once: the key is on record with the leases that it named, or neither is.

        Its answer is given again for `life`, then the key gets 410 for good.
        """
        kept = list[Response]()
        if self.key is None:
            work(Seal(meanwhile=lambda given: kept.append(told(given))))
            return kept[0]
        asked = self._asked(self.key, principal)

        def begin(connection: Connection) -> None:
            self._sweep(connection, at)
            found = claim(connection, asked, at, NEVER // 2)
            if found is not None:
                raise _AnsweredBefore(found)

        def end(connection: Connection, given: Batch) -> None:
            kept.append(told(given))
            keep(connection, asked, kept[0].status_code, bytes(kept[0].body))

        try:
            work(Seal(begin, end))
        except _AnsweredBefore as before:
            return self._without_stopped(_again(asked, before.answer, at, life), at)
        return kept[0]

    def _without_stopped(self, answer: Response, at: int) -> Response:
        """A poll's answer as it was, less who was suppressed since: nobody is told their numbers."""
        told = orjson.loads(bytes(answer.body))
        with reading(self.service.engine) as connection:
            stopped = suppressed_among(connection, [item["lease_id"] for item in told["items"]], at)
        if not stopped:
            return answer
        kept = [item for item in told["items"] if item["lease_id"] not in stopped]
        return reply(told | {"items": kept}, answer.status_code, _REPLAYED)

    def _asked(self, key: str, principal: Principal) -> Asked:
        return Asked(key, self.route, principal.key_id, hashlib.sha256(self.body).digest())

    def _sweep(self, connection: Connection, at: int) -> None:
        """Now and then, let numbers go that were given to dialers, and then old answers.

        In this order: a poll's key is spent for good, and what isn't silenced yet would be forgotten.
        """
        if self.service.broom.due(at):
            silence(connection, at - _LONGEST_LEASE, QUEUES)
            forget(connection, at - DAY)


class _AnsweredBefore(Exception):  # it ends a transaction, and is no error
    """The key has its answer already: nothing is to be done again."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _again(asked: Asked, found: Answer, at: int, life: int = DAY) -> Response:
    if found.body_digest != asked.body_digest:
        raise IdempotencyKeyReused
    if found.status is None:
        raise StillAtWork
    if found.response is None or at >= found.created_at + life:
        raise LeaseExpired
    return Response(found.response or b"", found.status, _REPLAYED, "application/json")


async def once(
    request: Request,
    service: ServiceDep,
    body: Body,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> Once:
    """This use of the endpoint."""
    return Once(service, idempotency_key, request.url.path, body)


OnceDep = Annotated[Once, Depends(once)]
