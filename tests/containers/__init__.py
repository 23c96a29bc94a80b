"""Tests of what is handed to IT operations: the four images, docker-compose.yml, and all of it together."""
