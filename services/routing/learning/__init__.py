"""Makes the classifier's figures from labelled petitions and measures them; off the way of a fact."""
