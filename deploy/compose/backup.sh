#!/usr/bin/env bash
# Everything that the compose system keeps, at one moment: databases, queues, tickets' files, mails. `make backup TO=folder`.
#
# All processes stop first (they finish what they are doing), so that databases and queues fit together; sales pause for the
# time of the copy. The secrets are not copied: keep deploy/compose/secrets and .env elsewhere. COMPOSE names another command.
# STAY_DOWN=1 starts nothing again: who moves to another machine sells nothing here after the copy.
set -euo pipefail
cd "$(dirname "$0")/../.."
compose=${COMPOSE:-docker compose}
folder=${1:-var/backup/$(date -u +%Y%m%dT%H%M%SZ)}
umask 077
mkdir -p "$folder"
running=$($compose ps --services --status running)
stopping=$(grep -vx postgres <<<"$running" || true)
# shellcheck disable=SC2086  # a list of names
start() { test -n "${STAY_DOWN:-}" || $compose start $running >/dev/null 2>&1 || echo "Start the system again: $compose up -d --wait" >&2; }
trap start EXIT

# shellcheck disable=SC2086
$compose stop $stopping >/dev/null 2>&1
for service in accounts events orders payments tickets; do
    $compose exec -T postgres pg_dump -U postgres --format=custom --create "stagedoor_$service" >"$folder/$service.dump"
done
$compose run --rm --no-deps -T --entrypoint tar rabbitmq -C /var/lib/rabbitmq -cf - . >"$folder/rabbitmq.tar"
$compose run --rm --no-deps -T tickets-migrate tar -C / -cf - files mail >"$folder/files.tar"
. deploy/compose/fingerprint.sh >"$folder/secrets.sha256"
echo "Everything is in $folder ($(du -sh "$folder" | cut -f1)). Without the secrets it was made with it is of no use: keep those too."
