import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../../api/client";
import type { paths } from "../../../api/schema";

type WebhookCreate = paths["/api/webhooks"]["post"]["requestBody"]["content"]["application/json"];
type WebhookUpdate = paths["/api/webhooks/{id}"]["patch"]["requestBody"]["content"]["application/json"];

const PAGE = 50;
const WATCH_MS = 3000;

export const webhooksQuery = queryOptions({
  queryKey: ["webhooks"],
  queryFn: () => body(api.GET("/api/webhooks")),
});

export const typesQuery = queryOptions({
  queryKey: ["webhook-types"],
  queryFn: () => body(api.GET("/api/webhooks/types")),
  staleTime: Number.POSITIVE_INFINITY,
});

export const deliveriesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["webhooks", id, "deliveries"],
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/api/webhooks/{id}/deliveries", {
          params: { path: { id }, query: { limit: PAGE, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: WATCH_MS,
  });

export const deliveryQuery = (id: string) =>
  queryOptions({
    queryKey: ["deliveries", id],
    queryFn: () => body(api.GET("/api/webhooks/deliveries/{id}", { params: { path: { id } } })),
  });

function useWebhookChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => queryClient.invalidateQueries({ queryKey: webhooksQuery.queryKey }),
  });
}

export const useCreateWebhook = () =>
  useWebhookChange((webhook: WebhookCreate) => body(api.POST("/api/webhooks", { body: webhook })));

export const useUpdateWebhook = () =>
  useWebhookChange(({ id, ...change }: WebhookUpdate & { id: string }) =>
    body(api.PATCH("/api/webhooks/{id}", { params: { path: { id } }, body: change })),
  );

export const useDeleteWebhook = () =>
  useWebhookChange((id: string) => api.DELETE("/api/webhooks/{id}", { params: { path: { id } } }));

export const useRotateSecret = () =>
  useWebhookChange((id: string) => body(api.POST("/api/webhooks/{id}/rotate", { params: { path: { id } } })));

export const useTestWebhook = () =>
  useWebhookChange((id: string) => body(api.POST("/api/webhooks/{id}/test", { params: { path: { id } } })));

export const useReplay = () =>
  useWebhookChange((id: string) =>
    body(api.POST("/api/webhooks/deliveries/{id}/replay", { params: { path: { id } } })),
  );
