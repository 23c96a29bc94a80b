"""Message centres and gateways that others have written, for the tests to talk to."""
