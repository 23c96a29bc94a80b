"""The gates that no other tool has: rules over source, tracked files, subscriptions, composed services."""
