import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body, csrfHeaders } from "../../api/client";
import { readProblem } from "../../api/problem";
import type { paths } from "../../api/schema";

export type Bot = paths["/api/bots"]["get"]["responses"][200]["content"]["application/json"]["items"][number];
export type BotDefinition = paths["/api/bots"]["post"]["requestBody"]["content"]["application/json"];
export type Trial = paths["/api/bots/trial"]["post"]["responses"][200]["content"]["application/json"];
type TrialBody = paths["/api/bots/trial"]["post"]["requestBody"]["content"]["application/json"];

export const botsQuery = (space: string | undefined) =>
  queryOptions({
    queryKey: ["bots", space ?? ""],
    queryFn: () => body(api.GET("/api/bots", { params: { query: space ? { space_id: space } : {} } })),
  });

export const botQuery = (id: string) =>
  queryOptions({
    queryKey: ["bots", "one", id],
    queryFn: () => body(api.GET("/api/bots/{id}", { params: { path: { id } } })),
  });

/** Fields that a person writes, of a bot as the server gives it. */
export function definitionOf(bot: Bot): BotDefinition {
  const { name, persona, language, voice, speed, stt, llm, tts, greeting, script } = bot;
  const { tools, allowed_hosts, may_search, limits } = bot;
  return {
    ...{ name, persona, language, voice, speed, stt, llm, tts, greeting, script },
    ...{ tools, allowed_hosts, may_search, limits },
  };
}

export const emptyBot: BotDefinition = {
  name: "",
  persona: "",
  language: null,
  voice: null,
  speed: 1,
  stt: [],
  llm: [],
  tts: [],
  greeting: "",
  script: "",
  tools: [],
  allowed_hosts: [],
  may_search: false,
};

function useBotChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["bots"] }),
  });
}

export const useCreateBot = () => useBotChange((bot: BotDefinition) => body(api.POST("/api/bots", { body: bot })));

export const useUpdateBot = () =>
  useBotChange(({ id, bot, version }: { id: string; bot: BotDefinition; version: number }) =>
    body(api.PUT("/api/bots/{id}", { params: { path: { id } }, body: { ...bot, version } })),
  );

export const useDeleteBot = () =>
  useBotChange((id: string) => api.DELETE("/api/bots/{id}", { params: { path: { id } } }));

export const useImportBot = () =>
  useBotChange(async ({ file, space }: { file: File; space: string }) => {
    const response = await fetch(`/api/bots/import?space_id=${space}`, {
      method: "POST",
      headers: { ...csrfHeaders(), "Content-Type": "application/toml" },
      body: file,
    });
    if (!response.ok) throw await readProblem(response);
    return (await response.json()) as Bot;
  });

export const useTrial = () =>
  useMutation({ mutationFn: (trial: TrialBody) => body(api.POST("/api/bots/trial", { body: trial })) });
