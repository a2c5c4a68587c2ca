import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { paths } from "../../api/schema";
import { hallQuery, type LibrarySearch, librarySearch } from "./filters";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
export type SavedSearch = Json<paths["/api/search/saved"]["get"]["responses"][200]>["items"][number];

const MINUTE = 60;
const SECOND_MS = 1000;

export const savedQuery = queryOptions({
  queryKey: ["saved searches"],
  queryFn: () => body(api.GET("/api/search/saved")),
});

interface Named {
  name: string;
  search: LibrarySearch;
  shared: boolean;
}

export function useSaveSearch(spaceId: string | undefined) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: ({ name, search, shared }: Named) => {
      const { space_id: _, ...filters } = hallQuery(search, spaceId);
      const saved = {
        name,
        q: search.q ?? "",
        filters: { ...filters, order: search.order === "time" ? ("time" as const) : ("rank" as const) },
      };
      return body(
        api.POST("/api/search/saved", {
          body: { ...saved, is_shared: shared, ...(spaceId && { space_id: spaceId }) },
        }),
      );
    },
    onSuccess: () => queryClient.invalidateQueries({ queryKey: savedQuery.queryKey }),
  });
}

export function useRemoveSaved() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.DELETE("/api/search/saved/{id}", { params: { path: { id } } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: savedQuery.queryKey }),
  });
}

/** The reader's day of a moment; `before` for the end of a span, which does not belong to it. */
function dayOf(moment: string | null | undefined, before = 0): string | undefined {
  if (!moment) return undefined;
  const date = new Date(Date.parse(moment) - before);
  const part = (number: number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())}`;
}

/** A saved search as the library's address has it. */
export function searchOf({ q, filters }: SavedSearch): LibrarySearch {
  const minutes = (seconds: number | null | undefined) => (seconds ? seconds / MINUTE : undefined);
  return librarySearch({
    ...filters,
    q,
    since: dayOf(filters.since),
    until: dayOf(filters.until, SECOND_MS),
    shortest: minutes(filters.min_seconds),
    longest: minutes(filters.max_seconds),
  });
}
