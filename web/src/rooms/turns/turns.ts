import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { paths } from "../../api/schema";

export type Turn =
  paths["/api/audio-sessions"]["get"]["responses"][200]["content"]["application/json"]["items"][number];
export type Figures = paths["/api/audio-sessions/figures"]["get"]["responses"][200]["content"]["application/json"];

/** What the address says is looked for. */
export interface TurnsSearch {
  user?: string;
  key?: string;
  bot?: string;
  tag?: string;
  failed?: boolean;
  charts?: boolean;
}

const word = (value: unknown) =>
  typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined;

export function turnsSearch(search: Record<string, unknown>): TurnsSearch {
  const found: TurnsSearch = {};
  for (const name of ["user", "key", "bot", "tag"] as const) {
    const value = word(search[name]);
    if (value) found[name] = value;
  }
  if (search.failed === true) found.failed = true;
  if (search.charts === true) found.charts = true;
  return found;
}

const PAGE = 50;

const queryOf = (search: TurnsSearch, space: string | undefined) => ({
  ...(space && { space_id: space }),
  ...(search.user && { user_external_id: search.user }),
  ...(search.key && { api_key_id: search.key }),
  ...(search.bot && { bot_id: search.bot }),
  ...(search.tag && { tag: search.tag }),
  ...(search.failed && { failed: true }),
});

export const turnsQuery = (search: TurnsSearch, space: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["turns", search, space ?? ""],
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/api/audio-sessions", {
          params: { query: { ...queryOf(search, space), limit: PAGE, offset: pageParam } },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (page) => (page.items.length < PAGE ? null : page.offset + PAGE),
  });

export const figuresQuery = (search: TurnsSearch, space: string | undefined) =>
  queryOptions({
    queryKey: ["turns", "figures", search, space ?? ""],
    queryFn: () => body(api.GET("/api/audio-sessions/figures", { params: { query: queryOf(search, space) } })),
  });

export const useDeleteTurn = () => {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.DELETE("/api/audio-sessions/{id}", { params: { path: { id } } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["turns"] }),
  });
};
