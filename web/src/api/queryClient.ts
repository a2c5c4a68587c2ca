import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { Problem } from "./problem";

/** The cache of everything asked of the server; `onSignedOut` is told when a session has ended meanwhile. */
export function makeQueryClient(onSignedOut: () => void): QueryClient {
  const notice = (failure: Error) => {
    if (failure instanceof Problem && failure.code === "not_signed_in") onSignedOut();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError: notice }),
    mutationCache: new MutationCache({ onError: notice }),
    defaultOptions: {
      queries: {
        retry: (count, failure) =>
          count < 2 && failure instanceof Problem && [0, 502, 503, 504].includes(failure.status),
        refetchOnWindowFocus: true,
        staleTime: 5_000,
      },
    },
  });
}
