#!/usr/bin/env bash
# Makes the images that the container tests run, on a machine with the container lab and without a registry.
#   lab.sh up      sets the lab up and builds: the four services; stand-ins for Kafka and MongoDB where missing
#   lab.sh clean   removes the services' images of the tests; with --all the stand-ins and what they are made of
# Only names of its own are touched (localhost/petition-test, localhost/petition-lab) and images with our label.
set -euo pipefail
cd "$(dirname "$0")/../.."

lab=${CONTAINER_LAB:-../shared/tools/container-lab}
python=.venv/bin/python
here=tests/containers
base=localhost/petition-lab/python:3.11-slim
certificates=/etc/ssl/certs/ca-certificates.crt

say() { printf 'containers: %s\n' "$*"; }

# One layer an image: the lab's storage copies the whole file system for each.
build() {
  podman build --quiet --layers=false --format docker --network host --build-arg "PYTHON_IMAGE=$base" \
    --volume "$certificates:$certificates:ro" "$@" >/dev/null
}

# sum FILE…: twelve characters that change with the files
sum() { sha256sum "$@" | sha256sum | cut -c1-12; }

# remove NAME: the images of that name, whatever their tags
remove() {
  podman images --quiet --filter "reference=$1" | sort -u | xargs --no-run-if-empty podman rmi --force >/dev/null
}

# The default of a variable in docker-compose.yml.
composed() { sed -n "s/.*\${$1:-\([^}]*\)}.*/\1/p" docker-compose.yml | head -n 1; }

# The lab's stand-in for the Python image, with a root folder that more than root may enter, as in the official
# one, and without the package lists and manuals that the official one does not have either.
base_image() {
  podman image exists "$base" && return
  say "deriving a base image from the lab's"
  local lab_image folder
  lab_image=$(composed PYTHON_IMAGE)
  folder=$(podman image mount "$lab_image")
  (
    cd "$folder"
    tar -c --numeric-owner --exclude='var/cache/apt/*' --exclude='var/lib/apt/lists/*' \
      --exclude='usr/share/doc/*' --exclude='usr/share/man/*' --exclude='usr/share/locale/*' -- *
  ) | podman import --quiet --change 'ENV PYTHONUNBUFFERED=1' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$base" >/dev/null
  podman image unmount "$lab_image" >/dev/null
}

# stand_in NAME IMAGE: builds it unless the image is there, be it the official one or ours of today.
stand_in() {
  local name=$1 image=$2 label parts wanted files
  mapfile -t files < <(find "$here/standins" -type f | sort)
  wanted=$(sum requirements-local.lock local/kafka/jars.sha256 "${files[@]}")
  label=$(podman image inspect --format '{{index .Labels "petition.standin"}}' "$image" 2>/dev/null || echo none)
  [[ $label == "$name $wanted" ]] && return
  if [[ $label == "" || $label == "<no value>" ]]; then
    say "$image is here and no stand-in of ours: it is used as it is"
    return
  fi
  parts=localhost/petition-lab/parts:$wanted
  if ! podman image exists "$parts"; then
    say "fetching what the stand-ins are made of"
    build --build-context repository=. --target parts --file "$here/standins/Dockerfile" --tag "$parts" "$here/standins"
  fi
  say "building a stand-in for $image"
  podman rmi --force --ignore "$image" >/dev/null
  build --build-context repository=. --build-context "jars=$(jars)" --build-context "parts=container-image://$parts" \
    --target "$name" --label "petition.standin=$name $wanted" --file "$here/standins/Dockerfile" --tag "$image" \
    "$here/standins"
}

jars() {
  command -v mvn >/dev/null || apt-get install -qy --no-install-recommends maven default-jre-headless >&2
  "$python" -c 'from local.kafka import fetch; print(fetch())'
}

service_images() {
  local packages service
  packages=localhost/petition-lab/packages:$(sum requirements.lock services/intake/Dockerfile)
  if ! podman image exists "$packages"; then
    say "installing the services' packages"
    remove localhost/petition-lab/packages
    build --target packages --file services/intake/Dockerfile --tag "$packages" .
  fi
  for service in intake routing mediation notify; do
    say "building $service"
    remove "localhost/petition-test/$service"
    build --build-context "packages=container-image://$packages" --file "services/$service/Dockerfile" \
      --tag "localhost/petition-test/$service:latest" .
  done
}

up() {
  "$lab" up >/dev/null || { say "the lab cannot be set up; run \`$lab up\` to see why" >&2; exit 1; }
  base_image
  stand_in kafka "$(composed KAFKA_IMAGE)"
  stand_in mongo "$(composed MONGO_IMAGE)"
  remove localhost/petition-lab/parts
  service_images
}

clean() {
  remove 'localhost/petition-test/*'
  [[ ${1:-} == --all ]] || return 0
  remove 'localhost/petition-lab/*'
  podman images --quiet --filter label=petition.standin | sort -u | xargs --no-run-if-empty podman rmi --force >/dev/null
}

case ${1:-} in
  up) up ;;
  clean) shift; clean "$@" ;;
  *) sed -n '2,5p' "$0"; exit 2 ;;
esac
