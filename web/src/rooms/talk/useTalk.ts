import { useCallback, useEffect, useRef, useState } from "react";
import { type Answer, ask, type Question } from "./asking";
import { Ear, OVER_THE_BOT, SPEAKING } from "./ear";
import { Mouth } from "./mouth";

export type Stage = "hearing" | "thinking" | "speaking" | "done" | "stopped" | "failed";

/** One turn as the room shows it. */
export interface Exchange {
  id: string;
  spoken: boolean;
  said: string | null;
  reply: string;
  stage: Stage;
  answer: Answer | null;
  failure: Error | null;
}

export type Listening = "off" | "opening" | "on";

/** A conversation with one bot: the microphone, the questions, the answers as they are made. */
export function useTalk(bot: string | undefined) {
  const [exchanges, setExchanges] = useState<Exchange[]>([]);
  const [listening, setListening] = useState<Listening>("off");
  const [refused, setRefused] = useState(false);
  const [level, setLevel] = useState<(() => number) | null>(null);
  const [conversation, setConversation] = useState(() => crypto.randomUUID());
  const ear = useRef<Ear | null>(null);
  const mouth = useRef<Mouth>(new Mouth());
  const running = useRef<AbortController | null>(null);
  const handsFree = useRef<AbortController | null>(null);
  const held = useRef(false);

  const change = useCallback((id: string, part: (one: Exchange) => Partial<Exchange>) => {
    setExchanges((all) => all.map((one) => (one.id === id ? { ...one, ...part(one) } : one)));
  }, []);

  /** Stops what is being asked and said. */
  const stop = useCallback(() => {
    running.current?.abort();
    running.current = null;
    mouth.current.stop();
  }, []);

  const asking = useCallback(
    async (question: Pick<Question, "audio" | "text">) => {
      if (!bot) return null;
      stop();
      const under = new AbortController();
      running.current = under;
      const id = crypto.randomUUID();
      const spoken = question.audio !== undefined;
      const begun: Exchange = {
        id,
        spoken,
        said: question.text ?? null,
        reply: "",
        stage: spoken ? "hearing" : "thinking",
        answer: null,
        failure: null,
      };
      setExchanges((all) => [...all, begun]);
      try {
        const told = ask({ ...question, bot, conversation, speak: true }, under.signal);
        for await (const one of told) {
          if (one.event === "transcript") change(id, () => ({ said: one.data.text, stage: "thinking" }));
          if (one.event === "reply") change(id, (was) => ({ reply: was.reply + one.data.delta }));
          if (one.event === "audio") {
            mouth.current.say(one.data.pcm16, one.data.sample_rate_hz);
            change(id, () => ({ stage: "speaking" }));
          }
          if (one.event === "done") {
            change(id, () => ({ answer: one.data, reply: one.data.reply_text, said: one.data.transcript }));
            await mouth.current.silent();
            change(id, () => ({ stage: under.signal.aborted ? "stopped" : "done" }));
            return under.signal.aborted ? null : one.data;
          }
        }
      } catch (failure) {
        if (under.signal.aborted) change(id, () => ({ stage: "stopped" }));
        else change(id, () => ({ stage: "failed", failure: failure as Error }));
      }
      return null;
    },
    [bot, conversation, change, stop],
  );

  const opened = useCallback(async (): Promise<Ear | null> => {
    setRefused(false);
    try {
      ear.current ??= await Ear.open();
      const one = ear.current;
      setLevel(() => one.level);
      return one;
    } catch {
      setRefused(true);
      return null;
    }
  }, []);

  const closeEar = useCallback(() => {
    ear.current?.close();
    ear.current = null;
    setLevel(null);
    setListening("off");
  }, []);

  /** Begins to record; `release` sends it. */
  const hold = useCallback(async () => {
    if (held.current) return;
    held.current = true;
    stop();
    setListening("opening");
    const one = await opened();
    if (!one || !held.current) {
      held.current = false;
      setListening("off");
      return;
    }
    one.start();
    setListening("on");
  }, [opened, stop]);

  const release = useCallback(async () => {
    const was = held.current;
    held.current = false;
    const one = ear.current;
    if (!was || !one) return;
    const audio = await one.stop();
    closeEar();
    if (audio.size > 0) void asking({ audio });
  }, [asking, closeEar]);

  /** Hears sentence after sentence, also over the bot, until it is called off or the bot says goodbye. */
  const converse = useCallback(async () => {
    const until = new AbortController();
    handsFree.current = until;
    setListening("opening");
    const one = await opened();
    let answering: Promise<unknown> | null = null;
    const bar = () => (mouth.current.speaking ? OVER_THE_BOT : answering ? Number.POSITIVE_INFINITY : SPEAKING);
    while (one && !until.signal.aborted) {
      setListening("on");
      const audio = await one.sentence(until.signal, bar, stop);
      if (!audio || audio.size === 0) continue;
      const mine = asking({ audio }).then((answer) => {
        if (answering === mine) answering = null;
        if (answer?.ends) until.abort();
      });
      answering = mine;
    }
    closeEar();
  }, [asking, opened, closeEar, stop]);

  const fallSilent = useCallback(() => {
    handsFree.current?.abort();
    handsFree.current = null;
    stop();
  }, [stop]);

  const anew = useCallback(() => {
    fallSilent();
    setExchanges([]);
    setConversation(crypto.randomUUID());
  }, [fallSilent]);

  useEffect(() => {
    const speaking = mouth.current;
    return () => {
      handsFree.current?.abort();
      running.current?.abort();
      speaking.close();
      ear.current?.close();
    };
  }, []);

  return {
    exchanges,
    listening,
    level,
    refused,
    write: (text: string) => asking({ text }),
    hold,
    release,
    converse,
    fallSilent,
    stop,
    anew,
  };
}
