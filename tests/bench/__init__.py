"""Measures the whole line on one machine: Kafka, mongod, the four services and the load, a process each."""
