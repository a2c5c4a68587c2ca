import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../../api/client";
import type { Role } from "../../../api/types";

export const spacesQuery = queryOptions({
  queryKey: ["spaces"],
  queryFn: () => body(api.GET("/api/spaces")),
});

export const membersQuery = (id: string) =>
  queryOptions({
    queryKey: ["spaces", id, "members"],
    queryFn: () => body(api.GET("/api/spaces/{id}/members", { params: { path: { id } } })),
  });

export const invitationsQuery = (id: string) =>
  queryOptions({
    queryKey: ["spaces", id, "invitations"],
    queryFn: () => body(api.GET("/api/spaces/{id}/invitations", { params: { path: { id } } })),
  });

/** Every change of spaces shows in the switcher too, so all of it is asked again. */
export function useSpaceChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: async () => {
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: ["spaces"] }),
        queryClient.invalidateQueries({ queryKey: ["me"] }),
      ]);
    },
  });
}

export const createSpace = (name: string) => body(api.POST("/api/spaces", { body: { name } }));

export const renameSpace = ({ id, name }: { id: string; name: string }) =>
  body(api.PATCH("/api/spaces/{id}", { params: { path: { id } }, body: { name } }));

export const deleteSpace = (id: string) => api.DELETE("/api/spaces/{id}", { params: { path: { id } } });

export const changeRole = ({ id, userId, role }: { id: string; userId: string; role: Role }) =>
  body(api.PATCH("/api/spaces/{id}/members/{user_id}", { params: { path: { id, user_id: userId } }, body: { role } }));

export const removeMember = ({ id, userId }: { id: string; userId: string }) =>
  api.DELETE("/api/spaces/{id}/members/{user_id}", { params: { path: { id, user_id: userId } } });

export const invite = ({ id, role, email }: { id: string; role: Role; email: string | null }) =>
  body(api.POST("/api/spaces/{id}/invitations", { params: { path: { id } }, body: { role, email } }));

export const withdrawInvitation = ({ id, invitationId }: { id: string; invitationId: string }) =>
  api.DELETE("/api/spaces/{id}/invitations/{invitation_id}", {
    params: { path: { id, invitation_id: invitationId } },
  });
