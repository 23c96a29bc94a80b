"""The whole system on one machine: broker, database, topics and the four services as child processes."""
