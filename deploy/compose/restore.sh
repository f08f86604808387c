#!/usr/bin/env bash
# Puts back what backup.sh kept, over whatever is there, and starts the system: `make restore FROM=folder`.
#
# Works on the machine of the backup and on another one that has the same secrets and the same or a newer version of us.
set -euo pipefail
cd "$(dirname "$0")/../.."
compose=${COMPOSE:-docker compose}
folder=${1:?Which backup? make restore FROM=folder}
for file in {accounts,events,orders,payments,tickets}.dump rabbitmq.tar files.tar secrets.sha256; do
    test -s "$folder/$file" || { echo "$folder/$file is missing" >&2; exit 1; }
done
if ! diff <(. deploy/compose/fingerprint.sh) "$folder/secrets.sha256" >/dev/null; then
    echo "The secrets here are not those of this backup: nobody could log in, refund or enter. Put them back first." >&2
    exit 1
fi

running=$($compose ps --services --status running | grep -vx postgres || true)
# shellcheck disable=SC2086
test -z "$running" || $compose stop $running >/dev/null 2>&1
$compose up -d --wait postgres >/dev/null 2>&1
for service in accounts events orders payments tickets; do
    $compose exec -T postgres pg_restore -U postgres --dbname postgres --create --clean --if-exists --exit-on-error <"$folder/$service.dump"
done
$compose run --rm --no-deps -T --entrypoint bash rabbitmq -c \
    'find /var/lib/rabbitmq -mindepth 1 -delete && tar -C /var/lib/rabbitmq -xpf -' <"$folder/rabbitmq.tar"
$compose run --rm --no-deps -T tickets-migrate sh -c \
    'find /files /mail -mindepth 1 -delete && tar -C / --no-overwrite-dir -xpf -' <"$folder/files.tar"
$compose up -d --wait >/dev/null
echo "The system is as it was. Now let payments compare its books with the providers': docs/operations.md, Restore."
