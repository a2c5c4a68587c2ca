import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../api/client";

/** The conversations made to try everything on, in the active space. */
export const demoQuery = queryOptions({
  queryKey: ["demo"],
  queryFn: () => body(api.GET("/api/demo")),
});

export function useMakeDemo() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/demo")),
    onSettled: () => queryClient.invalidateQueries(),
  });
}

export function useRemoveDemo() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => api.DELETE("/api/demo"),
    onSettled: () => queryClient.invalidateQueries(),
  });
}
