import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../api/client";

const WATCH_MS = 700;
/** Past this, what is still missing is not coming: the page stops asking. */
const LONGEST_MS = 180_000;

let askedAt = Number.NEGATIVE_INFINITY;

/** Whether more conversations of the demo are on their way. */
export const isComing = (demo: { conversations: number; of: number } | undefined) =>
  demo !== undefined && demo.conversations < demo.of && Date.now() - askedAt < LONGEST_MS;

/** The conversations made to try everything on, in the active space. */
export const demoQuery = queryOptions({
  queryKey: ["demo"],
  queryFn: () => body(api.GET("/api/demo")),
  refetchInterval: (query) => (isComing(query.state.data) ? WATCH_MS : false),
});

export function useMakeDemo() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/demo")),
    onSuccess: (demo) => {
      askedAt = Date.now();
      queryClient.setQueryData(demoQuery.queryKey, demo);
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: demoQuery.queryKey }),
  });
}

export function useRemoveDemo() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => api.DELETE("/api/demo"),
    onSuccess: () => {
      askedAt = Number.NEGATIVE_INFINITY;
    },
    onSettled: () => queryClient.invalidateQueries(),
  });
}
