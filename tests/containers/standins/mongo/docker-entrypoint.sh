#!/usr/bin/env bash
# Starts mongod as the official image does: on an empty volume it first makes the root user and runs the
# scripts of /docker-entrypoint-initdb.d, while only this container can reach the server.
set -euo pipefail

if [[ $1 == mongod && -n ${MONGO_INITDB_ROOT_USERNAME:-} ]]; then
  if [[ ! -e /data/db/WiredTiger ]]; then
    mongod --dbpath /data/db --bind_ip 127.0.0.1 --quiet >/dev/null &
    server=$!
    shell=(mongosh --quiet --norc --host 127.0.0.1)
    for ((tries = 0; ; tries++)); do
      (exec 3<>/dev/tcp/127.0.0.1/27017) 2>/dev/null && break
      if ((tries == 150)) || ! kill -0 "$server"; then
        echo "mongod did not start" >&2
        exit 1
      fi
      sleep 0.2
    done
    # shellcheck disable=SC2016 # $ and the names are the shell's of MongoDB
    "${shell[@]}" admin --eval 'db.createUser({
      user: process.env.MONGO_INITDB_ROOT_USERNAME,
      pwd: process.env.MONGO_INITDB_ROOT_PASSWORD,
      roles: [{ role: "root", db: "admin" }] })'
    for script in /docker-entrypoint-initdb.d/*.js; do
      [[ -e $script ]] || continue
      echo "$0: running $script"
      "${shell[@]}" "${MONGO_INITDB_DATABASE:-test}" "$script"
    done
    kill "$server"
    wait "$server"
  fi
  set -- "$@" --auth
fi
exec "$@" --bind_ip_all
