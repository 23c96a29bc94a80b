"""Gateways that are reached over HTTP: Aliyun, Tencent, and whatever a profile describes (Kannel).

`app.py` makes one of them in the place of the file outbox; nothing else of notify imports this package.
"""
