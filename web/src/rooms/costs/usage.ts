import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { paths } from "../../api/schema";

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
export type Totals = Json<paths["/api/usage"]["get"]["responses"][200]>;
export type Total = Totals["items"][number];
export type Budget = Json<paths["/api/budgets"]["get"]["responses"][200]>["items"][number];
type BudgetCreate = Json<NonNullable<paths["/api/budgets"]["post"]["requestBody"]>>;
export type Dimension = NonNullable<NonNullable<paths["/api/usage"]["get"]["parameters"]["query"]>["by"]>[number];

export const spans = [7, 30, 90] as const;
export type Span = (typeof spans)[number];

/** What is added up: money, or how much was heard, written or spoken. */
export const measures = ["cost", "seconds", "tokens", "characters", "uses"] as const;
export type Measure = (typeof measures)[number];

export interface CostsSearch {
  span?: Span;
  measure?: Measure;
}

export function costsSearch(search: Record<string, unknown>): CostsSearch {
  const span = spans.find((one) => one === search.span);
  const measure = measures.find((one) => one === search.measure);
  return { ...(span && { span }), ...(measure && { measure }) };
}

/** A day of the reader's calendar, as in 2026-03-01. */
export function dayOf(date: Date): string {
  const part = (number: number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())}`;
}

/** The days of a span, the last of them today. */
export function daysOf(span: Span, today = new Date()): string[] {
  return Array.from({ length: span }, (_, back) =>
    dayOf(new Date(today.getFullYear(), today.getMonth(), today.getDate() - (span - 1 - back))),
  );
}

export const usageQuery = (by: Dimension[], span: Span, spaceId: string | undefined) => {
  const first = daysOf(span)[0] ?? "";
  const query = {
    by,
    since: new Date(`${first}T00:00`).toISOString(),
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...(spaceId && { space_id: spaceId }),
  };
  return queryOptions({
    queryKey: ["usage", query],
    queryFn: () => body(api.GET("/api/usage", { params: { query } })),
  });
};

/** How much of a measure some uses come to. */
export function amountOf(total: Total, measure: Measure): number {
  if (measure === "cost") return Number(total.cost);
  if (measure === "uses") return total.uses;
  const fits = measure === "tokens" ? total.unit.startsWith("tokens") : total.unit === measure;
  return fits ? total.quantity : 0;
}

/** The sums of one dimension, by its values. */
export function summed(totals: Totals | undefined, by: Dimension, measure: Measure): Map<string, number> {
  const sums = new Map<string, number>();
  for (const total of totals?.items ?? []) {
    const value = total.group[by] ?? "";
    sums.set(value, (sums.get(value) ?? 0) + amountOf(total, measure));
  }
  return sums;
}

export const budgetsQuery = queryOptions({
  queryKey: ["budgets"],
  queryFn: () => body(api.GET("/api/budgets")),
});

export const pricesQuery = queryOptions({
  queryKey: ["prices"],
  queryFn: () => body(api.GET("/api/usage/prices")),
  staleTime: 60_000,
});

export function useSetBudget() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (budget: BudgetCreate) => body(api.POST("/api/budgets", { body: budget })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: budgetsQuery.queryKey }),
  });
}

export function useChangeBudget() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: ({ id, amount }: { id: string; amount: string }) =>
      body(api.PATCH("/api/budgets/{id}", { params: { path: { id } }, body: { amount } })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: budgetsQuery.queryKey }),
  });
}

export function useRemoveBudget() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.DELETE("/api/budgets/{id}", { params: { path: { id } } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: budgetsQuery.queryKey }),
  });
}
