import type { Hit, Segment, Transcript } from "../src/rooms/library/hall";
import { at } from "./things.ts";

const SENTENCE_SECONDS = 4;

interface Told {
  id: string;
  kind: Transcript["kind"];
  title: string;
  language: string;
  days: number;
  said: [speaker: string, text: string][];
}

const told: Told[] = [
  {
    id: "conversation-1",
    kind: "calls",
    title: "A chair that creaks",
    language: "en",
    days: -1,
    said: [
      ["Agent", "Good morning. What can I do for you?"],
      ["Customer", "The chair you sent creaks whenever somebody laughs."],
      ["Agent", "I am sorry. I will send another one by Friday."],
      ["Customer", "That is kind. Thank you."],
    ],
  },
  {
    id: "conversation-2",
    kind: "meetings",
    title: "La mesa redonda",
    language: "es",
    days: -4,
    said: [
      ["Ana", "Empezamos por el orden del día."],
      ["Luis", "Acordamos comprar cinco sillas."],
    ],
  },
];

/** What the hall of the made-up server holds. */
export class FakeHall {
  readonly transcripts = told.map(transcriptOf);
  private readonly segments = new Map(told.map((one) => [one.id, segmentsOf(one)]));

  list(search: URLSearchParams): Transcript[] {
    const kinds = search.getAll("kind");
    return this.transcripts.filter((one) => kinds.length === 0 || kinds.includes(one.kind));
  }

  one(id: string | undefined): Transcript | undefined {
    return this.transcripts.find((transcript) => transcript.id === id);
  }

  said(id: string | undefined): Segment[] {
    return this.segments.get(id ?? "") ?? [];
  }

  /** Where a word stands, without stems or accents. */
  find(words: string): Hit[] {
    const wanted = words.toLowerCase();
    return this.transcripts.flatMap((transcript) =>
      this.said(transcript.id).flatMap((segment) => {
        const place = segment.text.toLowerCase().indexOf(wanted);
        if (place < 0) return [];
        const { utterance_id, start, end, said_at, speaker, person, language, text } = segment;
        const pieces = [
          { text: text.slice(0, place), found: false },
          { text: text.slice(place, place + words.length), found: true },
          { text: text.slice(place + words.length), found: false },
        ].filter((piece) => piece.text !== "");
        return [{ transcript, utterance_id, start, end, said_at, speaker, person, language, rank: 1, pieces }];
      }),
    );
  }

  facets() {
    const count = (of: (one: Transcript) => string) => {
      const numbers = new Map<string, number>();
      for (const one of this.transcripts) numbers.set(of(one), (numbers.get(of(one)) ?? 0) + 1);
      return [...numbers].map(([value, number]) => ({ value, number }));
    };
    return {
      conversations: this.transcripts.length,
      complete: true,
      kinds: count((one) => one.kind),
      languages: count((one) => one.language ?? ""),
      engines: count((one) => one.provider ?? ""),
      tags: [],
      speakers: [],
      people: [],
      months: [],
    };
  }
}

function transcriptOf({ id, kind, title, language, days, said }: Told): Transcript {
  return {
    id,
    space_id: "space-1",
    kind,
    source_id: id,
    title,
    language,
    provider: "espeak",
    state: "final",
    started_at: at(days),
    ended_at: at(days),
    duration_seconds: said.length * SENTENCE_SECONDS,
    tags: [],
    people: [],
    version: 1,
    document: null,
    audio: null,
    created_at: at(days),
    updated_at: at(days),
  };
}

function segmentsOf({ said, language, days }: Told): Segment[] {
  return said.map(([speaker, text], number) => ({
    utterance_id: `u${number}`,
    text,
    start: number * SENTENCE_SECONDS,
    end: (number + 1) * SENTENCE_SECONDS - 0.5,
    said_at: at(days),
    is_final: true,
    speaker,
    person: null,
    channel: null,
    language,
    confidence: null,
    words: [],
    edited_at: null,
  }));
}
