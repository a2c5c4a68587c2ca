import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
  type InfiniteData,
} from "@tanstack/react-query";
import { api, body, csrfHeaders } from "../../api/client";
import { readProblem } from "../../api/problem";
import type { paths } from "../../api/schema";
import { hallQuery, type LibrarySearch, type Order } from "./filters";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
export type Transcript = Json<paths["/api/transcripts/{id}"]["get"]["responses"][200]>;
export type SegmentPage = Json<paths["/api/transcripts/{id}/segments"]["get"]["responses"][200]>;
export type Segment = SegmentPage["items"][number];
export type Hit = Json<paths["/api/search"]["get"]["responses"][200]>["items"][number];
export type Edit = Json<
  paths["/api/transcripts/{id}/segments/{utterance_id}/edits"]["get"]["responses"][200]
>["items"][number];
type Update = Json<NonNullable<paths["/api/transcripts/{id}"]["patch"]["requestBody"]>>;
type Rename = Json<NonNullable<paths["/api/transcripts/{id}/speakers"]["post"]["requestBody"]>>;
type Correction = Json<NonNullable<paths["/api/transcripts/{id}/segments/{utterance_id}"]["patch"]["requestBody"]>>;

const ROWS = 30;
const MOST_SEGMENTS = 200;
const OPEN_MS = 2_000;

const HALL = "hall";

/** Conversations, the latest first. */
export const conversationsQuery = (search: LibrarySearch, spaceId: string | undefined, limit = ROWS) =>
  infiniteQueryOptions({
    queryKey: [HALL, "list", spaceId, hallQuery(search, spaceId), limit],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...hallQuery(search, spaceId), ...(pageParam && { cursor: pageParam }), limit };
      return body(api.GET("/api/transcripts", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });

/** Places where the words are said, or, where that is asked for, something of the same meaning. */
export const hitsQuery = (search: LibrarySearch, spaceId: string | undefined) => {
  const asked = { ...hallQuery(search, spaceId), q: search.q ?? "" };
  const order: Order | "rank" = search.order ?? "rank";
  return infiniteQueryOptions({
    queryKey: [HALL, "hits", spaceId, asked, order],
    queryFn: async ({ pageParam, signal }) => {
      if (order === "meaning") {
        const query = { ...asked, limit: ROWS };
        const near = await body(api.GET("/api/search/meaning", { params: { query }, signal }));
        return { items: near.items, next_cursor: null };
      }
      const query = { ...asked, order, ...(pageParam && { cursor: pageParam }), limit: ROWS };
      return body(api.GET("/api/search", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? null,
    placeholderData: keepPreviousData,
  });
};

/** How can be searched here: by meaning only where a model is configured. */
export const searchOptionsQuery = queryOptions({
  queryKey: ["search options"],
  queryFn: () => body(api.GET("/api/search/options")),
  staleTime: 300_000,
});

/** What the people behind references are called, where somebody has said it. */
export const peopleQuery = (spaceId: string | undefined) =>
  queryOptions({
    queryKey: [HALL, "people", spaceId],
    queryFn: () =>
      body(api.GET("/api/people", { params: { query: { ...(spaceId && { space_id: spaceId }), limit: 200 } } })),
    staleTime: 60_000,
  });

export const transcriptQuery = (id: string) =>
  queryOptions({
    queryKey: [HALL, "one", id],
    queryFn: () => body(api.GET("/api/transcripts/{id}", { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data?.state === "open" ? OPEN_MS : false),
  });

/** What was said; the pages follow one another until all of it is here. */
export const segmentsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: [HALL, "segments", id],
    queryFn: ({ pageParam }) => {
      const query = { limit: MOST_SEGMENTS, ...(pageParam && { cursor: pageParam }) };
      return body(api.GET("/api/transcripts/{id}/segments", { params: { path: { id }, query } }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    staleTime: 60_000,
  });

export const editsQuery = (id: string, utterance: string) =>
  queryOptions({
    queryKey: [HALL, "edits", id, utterance],
    queryFn: () =>
      body(
        api.GET("/api/transcripts/{id}/segments/{utterance_id}/edits", {
          params: { path: { id, utterance_id: utterance } },
        }),
      ),
  });

export const exportAddress = (id: string, format: string) =>
  `/api/transcripts/${encodeURIComponent(id)}/export?format=${format}`;

export function useUpdateTranscript(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    // one after the other: of two names the one given last stays
    scope: { id: `transcript ${id}` },
    mutationFn: (change: Update) =>
      body(api.PATCH("/api/transcripts/{id}", { params: { path: { id } }, body: change })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: [HALL] }),
  });
}

export function useRenameSpeaker(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (change: Rename) =>
      body(api.POST("/api/transcripts/{id}/speakers", { params: { path: { id } }, body: change })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: [HALL] }),
  });
}

interface Corrected {
  utterance: string;
  change: Correction;
}

/** Corrects one segment; the text on the page follows without asking for all of it again. */
export function useCorrect(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: ({ utterance, change }: Corrected) =>
      body(
        api.PATCH("/api/transcripts/{id}/segments/{utterance_id}", {
          params: { path: { id, utterance_id: utterance } },
          body: change,
        }),
      ),
    onSuccess: (after) => {
      queryClient.setQueryData<InfiniteData<SegmentPage>>(segmentsQuery(id).queryKey, (before) => {
        if (!before) return before;
        const put = (one: Segment) => (one.utterance_id === after.utterance_id ? after : one);
        return { ...before, pages: before.pages.map((page) => ({ ...page, items: page.items.map(put) })) };
      });
      void queryClient.invalidateQueries({ queryKey: transcriptQuery(id).queryKey });
      void queryClient.invalidateQueries({ queryKey: editsQuery(id, after.utterance_id).queryKey });
    },
  });
}

/** Brings a file in: subtitles or data become a conversation. */
export function useImport(spaceId: string | undefined) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async (file: File) => {
      const form = new FormData();
      if (spaceId) form.set("space_id", spaceId);
      form.set("file", file);
      const answer = await fetch("/api/transcripts/import", { method: "POST", headers: csrfHeaders(), body: form });
      if (!answer.ok) throw await readProblem(answer);
      return (await answer.json()) as Transcript;
    },
    onSuccess: () => queryClient.invalidateQueries({ queryKey: [HALL] }),
  });
}
