#!/bin/sh
# A live session from outside: made, looked at, ended, listed. The sound itself comes by a WebSocket.
set -eu
url=${TERTULIA_URL:-http://127.0.0.1:8765}
: "${TERTULIA_KEY:?Make an API key with the scope speech and put it into TERTULIA_KEY.}"

ask() {
    curl --silent --show-error --fail-with-body \
        --header "Authorization: Bearer $TERTULIA_KEY" --header "Content-Type: application/json" "$@"
    echo
}

made=$(ask --request POST "$url/api/streaming/sessions" --data '{"title": "From curl", "language": "en"}')
echo "$made"
id=$(printf '%s' "$made" | sed 's/.*"session_id": *"\([^"]*\)".*/\1/')

ask "$url/api/streaming/sessions/$id"                                            # with its text so far
ask "$url/api/streaming/sessions/$id/metrics"
ask --request POST "$url/api/streaming/sessions/$id/token" --data '{"role": "listener"}'  # for another screen
ask --request DELETE "$url/api/streaming/sessions/$id"                           # ends it and keeps the text
ask "$url/api/streaming/sessions?limit=5"
ask "$url/api/streaming/status"
