import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../../api/client";
import type { paths } from "../../../api/schema";

type KeyCreate = paths["/api/keys"]["post"]["requestBody"]["content"]["application/json"];

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: () => body(api.GET("/api/keys")),
});

export const scopesQuery = queryOptions({
  queryKey: ["scopes"],
  queryFn: () => body(api.GET("/api/scopes")),
  staleTime: Number.POSITIVE_INFINITY,
});

export function useCreateKey() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (key: KeyCreate) => body(api.POST("/api/keys", { body: key })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: keysQuery.queryKey }),
  });
}

export function useRevokeKey() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.DELETE("/api/keys/{id}", { params: { path: { id } } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: keysQuery.queryKey }),
  });
}
