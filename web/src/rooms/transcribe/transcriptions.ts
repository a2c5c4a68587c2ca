import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { Transcription } from "../../api/types";
import type { Format } from "../../listening/ExportMenu";

const WATCH_MS = 1000;

export const isUnderWay = (item: Pick<Transcription, "status">) =>
  item.status === "queued" || item.status === "running";

export const transcriptionsQuery = infiniteQueryOptions({
  queryKey: ["transcriptions"],
  queryFn: ({ pageParam }) =>
    body(api.GET("/api/transcribe", { params: { query: pageParam ? { cursor: pageParam } : {} } })),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next_cursor,
  refetchInterval: (query) => (query.state.data?.pages.some((page) => page.items.some(isUnderWay)) ? WATCH_MS : false),
});

export const transcriptionQuery = (id: string) =>
  queryOptions({
    queryKey: ["transcription", id],
    queryFn: () => body(api.GET("/api/transcribe/{id}", { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data && isUnderWay(query.state.data) ? WATCH_MS : false),
  });

export function useDeleteTranscription() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.DELETE("/api/transcribe/{id}", { params: { path: { id } } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: transcriptionsQuery.queryKey }),
  });
}

export const audioAddress = (id: string) => `/api/transcribe/${encodeURIComponent(id)}/audio`;

export const exportAddress = (id: string, format: Format) =>
  `/api/transcribe/${encodeURIComponent(id)}/export?format=${format}`;
