"""Leads that move between campaigns: each sale counts once, for whose call earned it, whenever one asks."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, literal, select

from features.instants import DAY, HOUR, MINUTE, NEVER, SECOND, parse, render
from features.site import Site
from features.store.campaigns import stood_in, write_campaign
from features.store.engine import reading, transaction
from features.store.lead_versions import LeadVersion, steps_of
from features.store.reads import Stretch
from features.store.tables import lead, lead_past
from features.store.writes import accept_leads
from serving.accounts import Question, ask, read_accounts
from serving.closing import close, closed
from serving.kpi.cells import Cells, cells_of
from serving.kpi.intervals import Interval
from serving.trials import account_of
from tests.features.store.tellings import a_disposition, a_lead, an_event
from tests.serving.desks import a_dial, tell

BEGIN = parse("2026-03-02T00:00Z")
DAYS = 6
END = BEGIN + 2 * DAYS * DAY
CAMPAIGNS = ("spring", "summer", "autumn")
GOALS = ("sale", "contract")


@dataclass(frozen=True)
class Call:
    campaign: str
    lead: str
    start: int
    sells: bool


@dataclass(frozen=True)
class Disposed:
    call: int
    """Of the calls told so far."""
    sells: bool


@dataclass(frozen=True)
class Sale:
    lead: str
    goal: str
    at: int
    cancelled: bool


@dataclass(frozen=True)
class Move:
    lead: str
    campaign: str


@dataclass(frozen=True)
class Plan:
    """Of a campaign, from now on."""

    campaign: str
    goal: str
    horizon_days: int
    confirmation: bool


@dataclass(frozen=True)
class Close:
    campaign: str


Thing = Call | Disposed | Sale | Move | Plan | Close


@dataclass
class Floors:
    """A store of three campaigns, told of one thing after the other, and what it was told."""

    engine: Engine
    at: int = BEGIN
    calls: list[Call] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    stood: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Of each lead the campaigns since when."""
    plans: dict[str, Plan] = field(default_factory=dict)

    def tell(self, thing: Thing, at: int) -> None:
        """Tell of something at an instant after all before it."""
        self.at = at
        match thing:
            case Call():
                self.calls.append(thing)
                dial = a_dial(
                    f"c{len(self.calls):02d}", thing.lead, thing.start, _outcome(thing.sells),
                    campaign=thing.campaign, human_answered=True, talk_s=30,
                )  # fmt: skip
                tell(self.engine, dial, at=at)
            case Disposed(call, sells) if call < len(self.calls):
                self.calls[call] = replace(self.calls[call], sells=sells)
                said = a_disposition(f"c{call + 1:02d}", _outcome(sells), f"d{at}", converted=sells)
                tell(self.engine, said | {"time": render(at)}, at=at)
            case Sale(name, goal, then, cancelled):
                self.sales.append(thing)
                kind = "conversion.cancelled" if cancelled else "conversion.recorded"
                said = {"lead_id": name, "goal": goal, "value": 20.0, "at": render(then)}
                tell(self.engine, an_event(kind, f"s{at}", at, **said), at=at)
            case Move(name, campaign):
                self.stood.setdefault(name, []).append((at, campaign))
                tell_lead(self.engine, name, campaign, at)
            case Plan():
                self.plans[thing.campaign] = thing
                with transaction(self.engine) as connection:
                    write_campaign(connection, thing.campaign, asdict(thing), at)
            case Close(campaign):
                close(self.engine, campaign, at)


def tell_lead(engine: Engine, name: str, campaign: str, at: int, updated_at: int = 0) -> None:
    """Tell of a lead; as an import of what was known at `updated_at`, if that is named."""
    said = {"created_at": render(BEGIN), "updated_at": render(updated_at or at)}
    with transaction(engine) as connection:
        one = a_lead(name, campaign=campaign, **said)
        accept_leads(connection, [one], at, "event" if updated_at else "received")


def _outcome(sells: bool) -> str:
    return "converted" if sells else "contact_refused"


@dataclass(frozen=True)
class Counted:
    """A sale, and for whom it counts."""

    campaign: str
    at: int
    """When the attempt started that earned it, else when it was made."""
    claimed: bool
    net: bool


def counted(floors: Floors) -> list[Counted]:
    """Every sale by the definitions, one lead and goal after the other."""
    found = list[Counted]()
    for name in floors.stood:
        for goal in GOALS:
            calls = [
                call
                for call in floors.calls
                if call.lead == name and floors.plans[call.campaign].goal == goal
            ]
            told = [sale for sale in floors.sales if (sale.lead, sale.goal) == (name, goal)]
            recorded = [sale.at for sale in told if not sale.cancelled]
            bought, cancelled = min(recorded, default=NEVER), bool(told) and told[-1].cancelled
            owner = _owner(floors, calls, bought)
            if owner is not None:
                waits = floors.plans[owner.campaign].confirmation and not told
                net = not cancelled and not waits
                found.append(Counted(owner.campaign, owner.start, claimed=True, net=net))
            elif recorded:
                of = [campaign for since, campaign in floors.stood[name] if since <= bought]
                campaign = of[-1] if of else floors.stood[name][0][1]
                found.append(Counted(campaign, bought, claimed=False, net=False))
    return found


def _owner(floors: Floors, calls: Sequence[Call], bought: int) -> Call | None:
    """The first call that sold, else the last one within its campaign's horizon before the sale."""
    by_start = sorted(calls, key=lambda call: call.start)
    sold = [call for call in by_start if call.sells]
    before = [
        call
        for call in by_start
        if 0 <= bought - call.start <= floors.plans[call.campaign].horizon_days * DAY
    ]
    return sold[0] if sold else before[-1] if before else None


names = st.sampled_from(["l0", "l1"])
campaigns = st.sampled_from(CAMPAIGNS)
halves = st.integers(0, DAYS * 48 - 1).map(lambda half: BEGIN + half * HOUR // 2)
delays = st.sampled_from([5 * MINUTE, DAY, 5 * DAY])
"""How long it takes until something is told."""
things = st.one_of(
    st.builds(Call, campaigns, names, halves, st.booleans()),
    st.builds(Call, campaigns, names, halves, st.just(value=False)),
    st.builds(Disposed, st.integers(0, 5), st.booleans()),
    st.builds(Sale, names, st.sampled_from(GOALS), halves, st.sampled_from([False, False, True])),
    st.builds(Move, names, campaigns),
    st.builds(Plan, campaigns, st.sampled_from(GOALS), st.sampled_from([1, 30]), st.booleans()),
    st.builds(Close, campaigns),
)
histories = st.lists(st.tuples(things, halves, delays), max_size=16)


def told_of(engine: Engine, history: Sequence[tuple[Thing, int, int]]) -> Floors:
    """Things told in the order of their tellings, no two at once, calls and sales after they were."""
    floors = Floors(engine)
    for campaign in CAMPAIGNS:
        floors.tell(Plan(campaign, "sale", 2, confirmation=campaign == "autumn"), BEGIN)
    floors.tell(Move("l0", "spring"), BEGIN)
    floors.tell(Move("l1", "summer"), BEGIN)
    ahead = [(_since(thing, at) + delay, thing) for thing, at, delay in history]
    for place, (at, thing) in enumerate(sorted(ahead, key=lambda told: told[0])):
        one = replace(thing, start=thing.start + place * SECOND) if isinstance(thing, Call) else thing
        floors.tell(one, at + place * SECOND)
    return floors


def _since(thing: Thing, at: int) -> int:
    return thing.start if isinstance(thing, Call) else thing.at if isinstance(thing, Sale) else at


Figures = dict[str, list[tuple[float | None, int, Interval | None, dict[str, float]]]]


def figures(engine: Engine, stretch: Stretch) -> Figures:
    """What the KPIs say of a stretch."""
    found: Figures = {}
    with reading(engine) as connection:
        for kpi in ("call_conversion_rate", "value_per_agent_hour", "lead_response_time", "penetration"):
            question = Question(kpi, stretch.since, stretch.until, stretch.at, stretch.campaign)
            found[kpi] = [
                (row.value, row.n, row.interval, dict(row.detail)) for row in ask(connection, question).rows
            ]
    return found


Sums = dict[str, float]


def sums(engine: Engine, campaign: str | None, since: int, until: int) -> Sums:
    """What the accounts of a stretch count."""
    with reading(engine) as connection:
        return sums_of(cells_of(read_accounts(connection, Stretch(since, until, END, campaign)), Site()))


def sums_of(cells: Cells) -> Sums:
    unclaimed = cells.total("organic") + cells.total("outside_window")
    return {"gross": cells.total("gross"), "net": cells.total("net"), "unclaimed": unclaimed}


def wanted(sales: Sequence[Counted], campaign: str | None, since: int = 0, until: int = END) -> Sums:
    """The same of sales that are counted one by one."""
    mine = [one for one in sales if campaign in (None, one.campaign) and since <= one.at < until]
    claimed = [one for one in mine if one.claimed]
    return {
        "gross": len(claimed), "net": sum(one.net for one in claimed), "unclaimed": len(mine) - len(claimed)
    }  # fmt: skip


@given(history=histories)
@settings(deadline=None, max_examples=30)
def test_each_sale_counts_once_for_whose_call_earned_it(
    fresh: Callable[[], Engine], history: Sequence[tuple[Thing, int, int]]
):
    """Campaigns add up to the total, and the attribution tells the same sales as the KPIs."""
    floors = told_of(fresh(), history)
    engine, sales = floors.engine, counted(floors)

    for campaign in (*CAMPAIGNS, None):
        for since, until in ((0, END), (BEGIN + 2 * DAY, BEGIN + 4 * DAY + HOUR)):
            found = sums(engine, campaign, since, until)
            assert found == wanted(sales, campaign, since, until), campaign
    for campaign in CAMPAIGNS:
        with reading(engine) as connection:
            (row,) = ask(connection, Question("call_conversion_rate", 0, END, END, campaign)).rows
            told = account_of(connection, Stretch(0, END, END, campaign)).arms.sales
        assert row.detail == {name: wanted(sales, campaign)[name] for name in ("net", "gross")}
        number = told.credited.number + told.organic.number + told.outside_window.number
        assert number == len([one for one in sales if one.campaign == campaign])


@given(history=histories, campaign=campaigns, since=st.sampled_from([0, BEGIN + DAY]))
@settings(deadline=None, max_examples=15)
def test_what_is_told_of_a_stretch_is_the_same_after_its_leads_have_moved(
    fresh: Callable[[], Engine], history: Sequence[tuple[Thing, int, int]], campaign: str, since: int
):
    floors = told_of(fresh(), history)
    stretches = [Stretch(since, BEGIN + 4 * DAY, END, name) for name in (*CAMPAIGNS, None)]
    before = [figures(floors.engine, stretch) for stretch in stretches]

    for nth, name in enumerate(floors.stood):
        floors.tell(Move(name, campaign), END - HOUR + nth)

    assert [figures(floors.engine, stretch) for stretch in stretches] == before


@given(history=histories, last=things)
@settings(deadline=None, max_examples=40)
def test_closed_days_follow_what_another_campaigns_news_takes_or_gives(
    fresh: Callable[[], Engine], history: Sequence[tuple[Thing, int, int]], last: Thing
):
    floors = told_of(fresh(), history)
    for news in (None, last):
        if news is not None:
            floors.tell(news, END - HOUR)
        for campaign in CAMPAIGNS:
            floors.tell(Close(campaign), END)
    sales = counted(floors)

    for campaign in CAMPAIGNS:
        with reading(floors.engine) as connection:
            found = sums_of(closed(connection, campaign).cells)
        assert found == wanted(sales, campaign), campaign


def bought_in_two(engine: Engine, *more: Thing) -> Floors:
    """Spring called a lead, summer after it had moved there; then it bought, and both closed their days."""
    hour = BEGIN + HOUR
    said: list[Thing] = [
        Call("spring", "l0", hour, sells=False),
        Move("l0", "summer"),
        Call("summer", "l0", hour + DAY, sells=False),
        Sale("l0", "sale", hour + DAY + HOUR, cancelled=False),
        Close("spring"),
        Close("summer"),
    ]
    places = [hour, hour + 2 * HOUR, hour + DAY, 0, BEGIN + 9 * DAY, BEGIN + 9 * DAY]
    floors = told_of(engine, [(one, at, 5 * MINUTE) for one, at in zip(said, places, strict=True)])
    for nth, one in enumerate(more):
        floors.tell(one, BEGIN + 10 * DAY + nth * MINUTE)
    return floors


def gross(floors: Floors) -> list[float]:
    """What spring, summer and both say they sold, of days closed and of calls."""
    engine, found = floors.engine, list[float]()
    for campaign in ("spring", "summer", None):
        with reading(engine) as connection:
            (row,) = ask(connection, Question("call_conversion_rate", 0, END, END, campaign)).rows
        assert row.detail["gross"] == sums(engine, campaign, 0, END)["gross"]
        found.append(row.detail["gross"])
    return found


def test_a_sale_stays_with_the_campaign_whose_call_came_last_wherever_its_lead_goes(engine: Engine):
    floors = bought_in_two(engine)

    before = gross(floors)
    floors.tell(Move("l0", "autumn"), BEGIN + 11 * DAY)

    assert before == gross(floors) == [0, 1, 1]


def test_a_call_told_late_takes_the_sale_from_the_other_campaigns_closed_day(engine: Engine):
    floors = bought_in_two(engine, Call("spring", "l0", BEGIN + DAY + HOUR + 30 * MINUTE, sells=False))

    assert gross(floors) == [1, 0, 1]


def test_another_goal_gives_the_sale_to_the_other_campaigns_closed_day(engine: Engine):
    floors = bought_in_two(engine, Plan("summer", "contract", 2, confirmation=False))

    before = gross(floors)
    floors.tell(Close("spring"), END)

    assert before == gross(floors) == [1, 0, 1]


lead_tellings = st.lists(st.tuples(campaigns, st.integers(1, 9), st.booleans()), min_size=1, max_size=6)


@given(told=lead_tellings)
@settings(deadline=None, max_examples=30)
def test_where_a_lead_stood_is_what_its_versions_say(
    fresh: Callable[[], Engine], told: Sequence[tuple[str, int, bool]]
):
    """Some are received, some imported as they were known then; what is older than what stands is late."""
    engine = fresh()
    for nth, (campaign, hour, imported) in enumerate(told, 1):
        updated_at = BEGIN + hour * HOUR if imported else 0
        tell_lead(engine, "l0", campaign, BEGIN + nth * HOUR + MINUTE, updated_at)

    with reading(engine) as connection:
        stands = connection.execute(select(lead)).one()
        past = connection.execute(select(lead_past)).all()
        found = [
            connection.execute(select(stood_in(literal(BEGIN + half * HOUR // 2)))).scalar_one()
            for half in range(24)
        ]

    said = [
        LeadVersion(one.updated_at, one.seq, one.known_at, (CAMPAIGNS.index(one.campaign),)) for one in past
    ]
    since = stands.known_at if stands.since is None else stands.since
    said.append(LeadVersion(stands.updated_at, NEVER, since, (CAMPAIGNS.index(stands.campaign),)))
    steps = steps_of(said)
    for half, campaign in enumerate(found):
        at = BEGIN + half * HOUR // 2
        assert campaign == CAMPAIGNS[int([said for known, (said,) in steps if known <= at][-1] or 0)]
