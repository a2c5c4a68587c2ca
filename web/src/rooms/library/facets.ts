import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import { useActiveSpace } from "../../api/session";
import { hallQuery, type LibrarySearch } from "./filters";

export interface FacetValue {
  value: string;
  count: number | null;
}

const names = ["kinds", "languages", "tags", "speakers", "people", "engines", "months"] as const;
export type Facets = Record<(typeof names)[number], FacetValue[]> & { conversations: number | null };

/**
 * What the conversations found have in common, and how many of them each. By meaning every conversation is found, nearer
 * or farther, so that all of them are counted.
 */
export function useFacets(search: LibrarySearch): Facets {
  const space = useActiveSpace();
  const query = { ...hallQuery(search, space?.id), ...(search.q && search.order !== "meaning" && { q: search.q }) };
  const asked = useQuery({
    queryKey: ["hall", "facets", query],
    queryFn: ({ signal }) => body(api.GET("/api/search/facets", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
  const counted = names.map((name) => {
    const values = asked.data?.[name] ?? [];
    return [name, values.map(({ value, number }) => ({ value, count: number }))] as const;
  });
  const facets = Object.fromEntries(counted) as Record<(typeof names)[number], FacetValue[]>;
  return { ...facets, conversations: asked.data?.conversations ?? null };
}
