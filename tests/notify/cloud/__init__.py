"""The gateways over HTTP, against servers on real TCP that know nothing of our request code."""
