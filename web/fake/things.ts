import type {
  Delivery,
  Invitation,
  Key,
  Me,
  Member,
  Scope,
  ServerStatus,
  Session,
  Space,
  TranscriptionText,
  User,
  Webhook,
} from "../src/api/types";

/** A moment so many days from now. */
export const at = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

export const spaces = (): Space[] => [
  { id: "space-1", name: "Home", role: "OWNER" },
  { id: "space-2", name: "Radio club", role: "ADMIN" },
  { id: "space-3", name: "Library", role: "MEMBER" },
];

export const me = (): Me => ({
  user: { id: "user-1", name: "Owner One", email: "owner@example.org", is_owner: true, language: null, theme: "auto" },
  spaces: spaces(),
  active_space_id: "space-1",
  csrf_token: "csrf-of-the-fake",
  features: ["transcribe"],
});

export const sessions = (): Session[] => [
  {
    id: "session-1",
    created_at: at(-3),
    last_seen_at: at(0),
    expires_at: at(27),
    user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ip: "192.0.2.10",
    current: true,
  },
  {
    id: "session-2",
    created_at: at(-20),
    last_seen_at: at(-2),
    expires_at: at(10),
    user_agent: "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
    ip: "198.51.100.7",
    current: false,
  },
];

const user = (number: number, name: string, part: Partial<User> = {}): User => ({
  id: `user-${number}`,
  name,
  email: `${name.split(" ")[0]?.toLowerCase()}@example.org`,
  is_owner: false,
  disabled_at: null,
  created_at: at(-30),
  last_seen_at: at(-number),
  ...part,
});

export const users = (): User[] => [
  user(1, "Owner One", { is_owner: true, last_seen_at: at(0) }),
  user(2, "Second Person"),
  user(3, "Third Person", { disabled_at: at(-1) }),
  user(4, "Fourth Person", { last_seen_at: null }),
];

export const members = (): Member[] => [
  { user_id: "user-1", name: "Owner One", email: "owner@example.org", role: "OWNER", joined_at: at(-30) },
  { user_id: "user-2", name: "Second Person", email: "second@example.org", role: "ADMIN", joined_at: at(-20) },
  { user_id: "user-4", name: "Fourth Person", email: "fourth@example.org", role: "MEMBER", joined_at: at(-4) },
];

export const invitations = (): Invitation[] => [
  { id: "invitation-1", role: "MEMBER", email: "fifth@example.org", expires_at: at(6), created_at: at(-1) },
];

export const invitation = () => ({
  space_name: "Radio club",
  role: "MEMBER" as const,
  inviter_name: "Owner One",
  expires_at: at(7),
});

export const scopes = (): Scope[] => [
  { name: "speech", description: "Turn speech into text and text into speech" },
  { name: "transcripts:read", description: "Read transcripts" },
  { name: "webhooks", description: "Manage webhooks and their deliveries" },
];

export const keys = (): Key[] => [
  {
    id: "key-1",
    name: "Desk script",
    prefix: "tt_9fK2",
    scopes: ["speech", "transcripts:read"],
    space_id: "space-1",
    created_at: at(-12),
    expires_at: at(78),
    last_used_at: at(-0.1),
  },
  {
    id: "key-2",
    name: "Old recorder",
    prefix: "tt_Zb71",
    scopes: ["speech"],
    space_id: null,
    created_at: at(-120),
    expires_at: at(-2),
    last_used_at: null,
  },
];

export const eventTypes = () => [
  { name: "transcription.done", description: "A recording has been transcribed" },
  { name: "transcription.failed", description: "A recording could not be transcribed" },
];

export const webhooks = (): Webhook[] => [
  {
    id: "webhook-1",
    url: "https://example.org/hooks/tertulia",
    types: ["transcription.done"],
    space_id: "space-1",
    enabled: true,
    description: "",
    disabled_reason: null,
    failing_since: null,
    created_by: "user-1",
    created_at: at(-9),
  },
  {
    id: "webhook-2",
    url: "https://archive.example.net/in",
    types: ["transcription.done", "transcription.failed"],
    space_id: "space-1",
    enabled: false,
    description: "",
    disabled_reason: "failing",
    failing_since: at(-5),
    created_by: "user-1",
    created_at: at(-40),
  },
];

const delivery = (number: number, part: Partial<Delivery>): Delivery => ({
  id: `delivery-${number}`,
  webhook_id: "webhook-1",
  type: "transcription.done",
  status: "succeeded",
  attempts: 1,
  response_status: 204,
  error: null,
  failure: null,
  created_at: at(-number),
  next_attempt_at: null,
  delivered_at: at(-number),
  ...part,
});

export const deliveries = (): Delivery[] => [
  delivery(1, {}),
  delivery(2, {
    status: "pending",
    attempts: 3,
    response_status: 503,
    failure: "status",
    delivered_at: null,
    next_attempt_at: at(0.05),
  }),
  delivery(3, {
    status: "failed",
    attempts: 9,
    response_status: null,
    delivered_at: null,
    error: "The address did not answer in time.",
    failure: "timeout",
  }),
];

export const status = (): ServerStatus => ({
  version: "0.1.0",
  started_at: at(-1.2),
  node: "table",
  database: { ok: true, kind: "embedded", version: "18.4" },
  events: { ok: true, kind: "postgresql" },
  blobs: { ok: true, kind: "local" },
  jobs: {
    todo: 3,
    doing: 1,
    scheduled: 4,
    failed: 2,
    workers: 1,
    queues: [
      { name: "speech", todo: 2, doing: 1 },
      { name: "webhooks", todo: 1, doing: 0 },
    ],
  },
  engines: [
    {
      name: "whisper",
      kind: "stt",
      works: false,
      chosen: false,
      reason: { text: "no model is on this machine", code: "no_model", values: {} },
      better: { text: "`tertulia models pull small`", code: "pull_model", values: { model: "small" } },
    },
    {
      name: "pocketsphinx",
      kind: "stt",
      works: true,
      chosen: true,
      reason: { text: "English, with no download", code: "english_no_download", values: {} },
      better: { text: "`tertulia models pull small`", code: "pull_whisper", values: { model: "small" } },
    },
    {
      name: "espeak",
      kind: "tts",
      works: true,
      chosen: true,
      reason: { text: "a hundred languages, with no download", code: "languages_no_download", values: {} },
      better: null,
    },
    {
      name: "piper",
      kind: "tts",
      works: false,
      chosen: false,
      reason: { text: "it is not installed", code: "not_installed", values: {} },
      better: null,
    },
  ],
  language: [{ name: "offline", works: true, standing: "named", setting: null, models: ["offline"] }],
  speech: { streams: 3, capacity: 24, queue: 0, real_time_factor: 0.19, restarts: 0 },
  checks: [
    { name: "database", ok: true, code: "works", detail: "works", fix: null },
    {
      name: "blobs",
      ok: false,
      code: "timeout",
      detail: "does not answer in time",
      fix: "Look at TERTULIA_BLOBS and its keys, and whether the disk has room.",
    },
  ],
});

const said: [number, string][] = [
  [0, "Good afternoon, this is the library. How may I help you?"],
  [1, "Hello. I would like to know whether the reading room is open on Saturday."],
  [0, "It is, from ten until two. On the first Saturday of the month there is also a tertulia at noon."],
  [1, "A tertulia? What is that, if I may ask?"],
  [0, "People sit at a round table and talk about a book. Anyone may join, and nobody has to have read it."],
  [1, "That sounds lovely. I will come, then. Do I need to bring anything?"],
  [0, "Only curiosity. We keep five chairs free for those who come for the first time."],
];

/** The words of a text, spread evenly over its time. */
const spokenWords = (text: string, start: number, length: number) =>
  text.split(" ").map((word, index, all) => ({
    text: word,
    start: start + (length * index) / all.length,
    end: start + (length * (index + 1)) / all.length,
    confidence: 0.9,
  }));

/** Silence of so many seconds, as a WAV file of 8-bit samples at 8 kHz. */
export function silence(seconds: number): ArrayBuffer {
  const rate = 8000;
  const size = seconds * rate;
  const file = new DataView(new ArrayBuffer(44 + size));
  const letters = (at: number, text: string) => {
    for (const [index, letter] of [...text].entries()) file.setUint8(at + index, letter.charCodeAt(0));
  };
  letters(0, "RIFF");
  file.setUint32(4, 36 + size, true);
  letters(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true);
  file.setUint16(22, 1, true);
  file.setUint32(24, rate, true);
  file.setUint32(28, rate, true);
  file.setUint16(32, 1, true);
  file.setUint16(34, 8, true);
  letters(36, "data");
  file.setUint32(40, size, true);
  new Uint8Array(file.buffer, 44).fill(128);
  return file.buffer;
}

const transcription = (number: number, part: Partial<TranscriptionText>): TranscriptionText => ({
  id: `transcription-${number}`,
  name: `call-${number}.mp3`,
  transcript_id: null,
  status: "done",
  progress: 1,
  eta_seconds: null,
  engine: "whisper",
  language: "en",
  duration_seconds: 3849,
  created_at: at(-number / 4),
  has_audio: true,
  finished_at: at(-number / 4),
  error: null,
  segments: [],
  ...part,
});

export const transcriptions = (): TranscriptionText[] => [
  transcription(1, {
    name: "morning-round.m4a",
    status: "running",
    progress: 0.42,
    eta_seconds: 74,
    duration_seconds: 1820,
  }),
  transcription(2, {
    name: "interview.wav",
    status: "queued",
    progress: 0,
    engine: null,
    language: null,
    duration_seconds: null,
  }),
  transcription(3, {
    name: "library-call.mp3",
    duration_seconds: 52,
    segments: said.map(([channel, text], index) => ({
      text,
      channel,
      speaker: channel === 0 ? "Library" : "Caller",
      start: index * 7.5,
      end: index * 7.5 + 6.8,
      language: "en",
      confidence: 0.9,
      words: spokenWords(text, index * 7.5, 6.8),
    })),
  }),
  transcription(4, {
    name: "broken.webm",
    status: "failed",
    progress: 0.1,
    engine: null,
    language: null,
    duration_seconds: null,
    error: {
      type: "urn:tertulia:error:unsupported_media",
      title: "This kind of file is not understood",
      status: 415,
      code: "unsupported_media",
      detail: "The file ends in the middle of its first second. Export it again and try once more.",
      correlation_id: "0192f3-fake",
    },
  }),
];
