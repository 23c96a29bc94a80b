"""Apache Kafka on one machine: fetched once with Maven, then run as one process or as a cluster."""

from local.kafka.jars import VERSION, fetch
from local.kafka.server import Node, cluster, formed, launch, new_id, prepare, running, start

__all__ = ["VERSION", "Node", "cluster", "fetch", "formed", "launch", "new_id", "prepare", "running", "start"]
