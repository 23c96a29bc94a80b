"""Carries facts between Kafka, MongoDB and a service's pure decisions; knows no petition."""
