import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import { Problem } from "../../api/problem";
import type { paths } from "../../api/schema";
import { type HallQuery, hallQuery, type LibrarySearch } from "./filters";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
export type Analysis = Json<paths["/api/transcripts/{id}/analysis"]["get"]["responses"][200]>;
export type Answer = Json<paths["/api/transcripts/{id}/ask"]["post"]["responses"][200]>;
export type Citation = Answer["citations"][number];
export type Reading = Json<paths["/api/transcripts/{id}/readings"]["get"]["responses"][200]>["items"][number];
export type Difference = Json<paths["/api/transcripts/{id}/readings/{number}/difference"]["get"]["responses"][200]>;
type ReadingAsk = Json<NonNullable<paths["/api/transcripts/{id}/readings"]["post"]["requestBody"]>>;

export type Results = Analysis["results"];
export type Point = NonNullable<Results["risks"]>[number];
export type Task = NonNullable<Results["tasks"]>[number];
export type Felt = NonNullable<Results["initial_feeling"]>;
export type Evidence = Point["evidence"][number];

const WATCH_MS = 800;

export const isUnderWay = (analysis: Analysis) => analysis.status === "PENDING" || analysis.status === "RUNNING";

/** What was understood of a conversation, or null where nobody asked yet. */
export const analysisQuery = (id: string) =>
  queryOptions({
    queryKey: ["hall", "analysis", id],
    queryFn: async (): Promise<Analysis | null> => {
      try {
        return await body(api.GET("/api/transcripts/{id}/analysis", { params: { path: { id } } }));
      } catch (failure) {
        if (failure instanceof Problem && failure.code === "analysis_missing") return null;
        throw failure;
      }
    },
    refetchInterval: (query) => (query.state.data && isUnderWay(query.state.data) ? WATCH_MS : false),
  });

export function useAnalyse(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/transcripts/{id}/analysis", { params: { path: { id } }, body: {} })),
    onSuccess: (analysis) => queryClient.setQueryData(analysisQuery(id).queryKey, analysis),
  });
}

/** A question to one conversation. */
export function useAskOne(id: string) {
  return useMutation({
    mutationFn: (question: string): Promise<Answer> =>
      body(api.POST("/api/transcripts/{id}/ask", { params: { path: { id } }, body: { question } })),
  });
}

/** A question to all that the filters leave. */
export function useAskAll(search: LibrarySearch, spaceId: string | undefined) {
  const query: HallQuery = hallQuery(search, spaceId);
  return useMutation({
    mutationFn: (question: string): Promise<Answer> =>
      body(api.POST("/api/search/ask", { params: { query }, body: { question } })),
  });
}

const isReading = (reading: Reading) => reading.status === "pending" || reading.status === "running";

/** What each engine made of the recording. */
export const readingsQuery = (id: string) =>
  queryOptions({
    queryKey: ["hall", "readings", id],
    queryFn: () => body(api.GET("/api/transcripts/{id}/readings", { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data?.items.some(isReading) ? WATCH_MS : false),
  });

export const differenceQuery = (id: string, number: number) =>
  queryOptions({
    queryKey: ["hall", "difference", id, number],
    queryFn: () =>
      body(api.GET("/api/transcripts/{id}/readings/{number}/difference", { params: { path: { id, number } } })),
  });

export function useReadAgain(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (wishes: ReadingAsk) =>
      body(api.POST("/api/transcripts/{id}/readings", { params: { path: { id } }, body: wishes })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: readingsQuery(id).queryKey }),
  });
}

export function useChooseReading(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (number: number) =>
      body(api.POST("/api/transcripts/{id}/readings/{number}/choose", { params: { path: { id, number } }, body: {} })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["hall"] }),
  });
}

export function useRemoveReading(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (number: number) =>
      api.DELETE("/api/transcripts/{id}/readings/{number}", { params: { path: { id, number } } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: readingsQuery(id).queryKey }),
  });
}
