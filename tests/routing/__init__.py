"""Tests of routing: classifier, lexicon, gazetteer, and the service around them."""
