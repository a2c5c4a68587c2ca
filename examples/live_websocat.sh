#!/bin/sh
# Speaks a recording into the socket at the pace it was made: live_websocat.sh RECORDING
# Needs ffmpeg, python3 (for base64 frames) and websocat. Each line that comes back is one event.
set -eu
url=${TERTULIA_URL:-http://127.0.0.1:8765}
: "${TERTULIA_KEY:?Make an API key with the scope speech and put it into TERTULIA_KEY.}"
recording=${1:?Name a recording.}
socket=$(printf '%s' "$url" | sed 's/^http/ws/')/api/realtime/transcribe

ffmpeg -loglevel error -re -i "$recording" -ac 1 -ar 16000 -f s16le - |
    python3 -u -c '
import base64, json, sys
seq = 0
while sound := sys.stdin.buffer.read(3200):
    seq += 1
    data = {"sequence_number": seq, "audio_data": base64.b64encode(sound).decode(), "size_bytes": len(sound)}
    print(json.dumps({"event": "audio_chunk", "data": data}))
print(json.dumps({"event": "stop_recording", "data": {"last_seq": seq}}))
' |
    websocat --text --no-close --header "Authorization: Bearer $TERTULIA_KEY" "$socket?mime_type=audio/pcm;rate=16000"
