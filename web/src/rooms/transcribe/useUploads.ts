import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "../../api/problem";
import { transcriptionsQuery } from "./transcriptions";
import { type UploadChoices, upload } from "./upload";

const AT_ONCE = 2;

export interface Upload {
  id: number;
  file: File;
  choices: UploadChoices;
  state: "waiting" | "sending" | "failed";
  share: number;
  failure: Problem | null;
}

let lastId = 0;

/** The recordings on their way to the server: a few at a time, each with its progress and its own failure. */
export function useUploads() {
  const queryClient = useQueryClient();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const started = useRef(new Map<number, AbortController>());

  const change = useCallback((id: number, part: Partial<Upload>) => {
    setUploads((all) => all.map((one) => (one.id === id ? { ...one, ...part } : one)));
  }, []);

  const drop = useCallback((id: number) => {
    started.current.get(id)?.abort();
    started.current.delete(id);
    setUploads((all) => all.filter((one) => one.id !== id));
  }, []);

  useEffect(() => {
    const free = AT_ONCE - uploads.filter((one) => one.state === "sending").length;
    for (const next of uploads.filter((one) => one.state === "waiting").slice(0, Math.max(0, free))) {
      if (started.current.has(next.id)) continue;
      const abort = new AbortController();
      started.current.set(next.id, abort);
      change(next.id, { state: "sending" });
      upload(next.file, next.choices, (share) => change(next.id, { share }), abort.signal).then(
        async () => {
          await queryClient.invalidateQueries({ queryKey: transcriptionsQuery.queryKey });
          drop(next.id);
        },
        (failure: unknown) => {
          started.current.delete(next.id);
          change(next.id, {
            state: "failed",
            failure: failure instanceof Problem ? failure : Problem.unreachable(),
          });
        },
      );
    }
  }, [uploads, change, drop, queryClient]);

  const add = (files: Iterable<File>, choices: UploadChoices) => {
    const fresh = [...files].map((file) => {
      lastId += 1;
      return { id: lastId, file, choices, state: "waiting" as const, share: 0, failure: null };
    });
    setUploads((all) => [...all, ...fresh]);
  };

  const retry = (id: number) => change(id, { state: "waiting", share: 0, failure: null });

  return { uploads, add, drop, retry };
}
