"""The notify service: decides who is told what, and tells the petitioner by SMS, once."""
