"""The wire: identity, envelope, examples, topics, and the gate that keeps them compatible."""
