import type { LibrarySearch } from "./filters";

export interface FacetValue {
  value: string;
  count: number | null;
}

export interface Facets {
  kinds: FacetValue[];
  languages: FacetValue[];
  tags: FacetValue[];
  speakers: FacetValue[];
  people: FacetValue[];
  engines: FacetValue[];
}

const none: Facets = { kinds: [], languages: [], tags: [], speakers: [], people: [], engines: [] };

export function useFacets(_: LibrarySearch): Facets {
  return none;
}
