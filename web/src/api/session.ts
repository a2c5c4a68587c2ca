import { queryOptions, useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { api, body, rememberCsrfToken } from "./client";
import { Problem } from "./problem";
import type { paths } from "./schema";
import type { Me } from "./types";

type MeUpdate = paths["/api/me"]["patch"]["requestBody"]["content"]["application/json"];

/** Who is signed in, or null. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async (): Promise<Me | null> => {
    try {
      const me = await body(api.GET("/api/me"));
      rememberCsrfToken(me.csrf_token);
      return me;
    } catch (failure) {
      if (failure instanceof Problem && failure.status === 401) return null;
      throw failure;
    }
  },
  staleTime: 60_000,
});

/** The signed-in person; only for what is shown inside the shell, where there always is one. */
export function useMe(): Me {
  const { data } = useSuspenseQuery(meQuery);
  // When the session has ended, the rooms stay up with the person they had until the sign-in page has come.
  const known = useRef(data);
  if (data) known.current = data;
  if (!known.current) throw new Problem(401, "not_signed_in", "", null);
  return known.current;
}

export function useActiveSpace(): Me["spaces"][number] | undefined {
  const me = useMe();
  return me.spaces.find((space) => space.id === me.active_space_id) ?? me.spaces[0];
}

export function useUpdateMe() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (change: MeUpdate) => body(api.PATCH("/api/me", { body: change })),
    onSuccess: () => queryClient.invalidateQueries(),
  });
}
