import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { Transcription } from "../../api/types";

const WATCH_MS = 1000;

export const isUnderWay = (item: Pick<Transcription, "status">) =>
  item.status === "queued" || item.status === "running";

export const transcriptionsQuery = queryOptions({
  queryKey: ["transcriptions"],
  queryFn: () => body(api.GET("/api/transcribe")),
  refetchInterval: (query) => (query.state.data?.items.some(isUnderWay) ? WATCH_MS : false),
});

export const transcriptionQuery = (id: string) =>
  queryOptions({
    queryKey: ["transcriptions", id],
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

export const formats = ["txt", "docx", "srt", "vtt", "md", "csv", "json"] as const;

export const exportAddress = (id: string, format: (typeof formats)[number]) =>
  `/api/transcribe/${encodeURIComponent(id)}/export?format=${format}`;
