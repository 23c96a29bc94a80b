"""The reference: the same services, decisions, facts and texts, carried in the shape that textbooks teach.

One handler call per message, and per call one multi-document transaction over an inbox, the petition's
document and an outbox; each outbox row is published and awaited by itself; one commit of the offset per
message. One POST is one transaction. It is meant to be good of its kind: indexes are there, partitions are
handled side by side, transactions run side by side up to a limit, a relay publishes what a crash left behind,
and the texts go to the gateway in batches as they do with us. What it lacks is what is measured: batches.
"""
