# shellcheck shell=bash
# Of the secrets without which a backup cannot be read: what the databases hold is encrypted or signed with them.
(cd "${SECRETS_FOLDER:-deploy/compose/secrets}" && sha256sum key_encryption secrets_keys ticket_signing_keys)
