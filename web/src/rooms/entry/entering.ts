import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, body, rememberCsrfToken } from "../../api/client";
import { meQuery } from "../../api/session";

export const optionsQuery = queryOptions({
  queryKey: ["auth-options"],
  queryFn: () => body(api.GET("/api/auth/options")),
});

export const invitationQuery = (token: string) =>
  queryOptions({
    queryKey: ["invitation", token],
    queryFn: () => body(api.GET("/api/invitations/{token}", { params: { path: { token } } })),
    retry: false,
  });

/** Runs what opens a session, then goes in, to where the person was going. */
export function useEntering<Input>(enter: (input: Input) => Promise<unknown>, next: string) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: enter,
    onSuccess: async () => {
      rememberCsrfToken(null);
      queryClient.removeQueries({ queryKey: meQuery.queryKey });
      await queryClient.fetchQuery(meQuery);
      await navigate({ to: next, replace: true });
    },
  });
}
