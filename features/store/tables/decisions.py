"""What serving decided: batches of leads handed out, one decision per lead, and who holds what."""

from sqlalchemy import Boolean, Column, Double, Index, Integer, LargeBinary, SmallInteger, Table, Text

from .metadata import Id, Json, Long, Name, instant, maybe_instant, metadata, of_campaign

batch = Table(
    "batch",
    metadata,
    Column("batch_id", Text, primary_key=True),
    of_campaign(),
    Column("dialer_id", Text, nullable=False),
    instant("at"),
    Column("n", Integer, nullable=False),
    Column("key_text", Text, nullable=False),  # seeds the draw
    Column("kappa", Double, nullable=True),
    Column("pool", Integer, nullable=True),
    Column("free", Integer, nullable=True),  # leads of the model arm that might have been called
    Column("temperature", Double, nullable=True),
    Column("model_version", Text, nullable=True),
    Column("snapshot_id", Text, nullable=True),
    Column("degraded", Boolean, nullable=False),
    Column("withheld", Json, nullable=False),
    Column("rules", Json, nullable=False),
    Column("reasons", LargeBinary, nullable=True),  # compressed JSON: a list by the decisions' rank
    Column("ran_out", Json, nullable=True),  # the `lease.ran_out_at` of all leads that were claimed for it
    Index(None, "campaign", "at"),
)
"""One answer to a dialer's poll."""

decision = Table(
    "decision",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("batch_id", Text, nullable=False, index=True),
    Column("lease_id", Text, nullable=False, index=True),
    of_campaign(),
    Column("lead", Id, nullable=False, index=True),  # a foreign key would lock every lead that is handed out
    Column("phone_hash", Text, nullable=True),
    Column("agent", Text, nullable=True),
    instant("at"),
    Column("arm", Text, nullable=False),
    Column("source", Text, nullable=False),  # callback | ranked | explore | holdout
    Column("model_version", Text, nullable=True),
    Column("rank", Integer, nullable=False),  # 1 is first
    Column("score", Double, nullable=True),
    Column("propensity", Double, nullable=True),
    Column("p_answer", Double, nullable=True),
    Column("p_convert", Double, nullable=True),
    Column("handle_s", Double, nullable=True),
    Column("attempt_no", SmallInteger, nullable=False),
    Index(None, "campaign", "at"),
)
"""One lead handed out: why, by whom, how likely it was."""

draw = Table(
    "draw",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("at", Long, nullable=False, index=True),
    Column("told", LargeBinary, nullable=False),  # what serving.draws.written wrote
)
"""What a batch's queue was ranked from, so that it can be ranked again; kept for a while."""

feature_set = Table(
    "feature_set",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("specs", Json, nullable=False),  # what features.compute.to_specs wrote
)
"""What the columns of served vectors mean; written once per fingerprint."""

served_vector = Table(
    "served_vector",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("scored_at", Long, nullable=False, index=True),
    Column("seen_seq", Long, nullable=False),  # the change number that the scorer had followed
    Column("fingerprint", Text, nullable=False),
    Column("bundle_version", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian, in the order of the specs
)
"""What the model saw of a sample of the leads handed out, so that it can be worked out again and compared."""

shadow_score = Table(
    "shadow_score",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("bundle_version", Text, primary_key=True),
    instant("scored_at"),
    Column("p_answer", Double, nullable=False),
    Column("p_convert", Double, nullable=False),
)
"""What a challenger says of a lead that the champion handed out, as of the decision's instant."""

lease = Table(
    "lease",
    metadata,
    Column("resource", Name, primary_key=True),  # lead:<lead.id> | phone:<hash>
    Column("lease_id", Text, nullable=False),  # not indexed: a claim would write that index for each row
    Column("dialer_id", Text, nullable=False),
    Column("token", Long, nullable=False),  # fences off a stale holder
    instant("expires_at"),
    Column("state", Text, nullable=False),  # leased | dialing | dialed | released | rejected | called
    maybe_instant("ran_out_at"),  # when the lead's lease before ended, if without a word of its dialer
    postgresql_with={"fillfactor": 60},  # a lease takes the place of the last one, in place
)
"""Who may dial what until when: the table that decides.

Leases and decisions carry no `seq`: handing out must not wait for the change counter. A suppressed subject
holds its own resource for ever (state `suppressed`), so that no claim can pass it.
"""
