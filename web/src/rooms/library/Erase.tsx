import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { Confirm } from "../../ui/Confirm";
import type { Transcript } from "./hall";
import { useTitle } from "./kinds";

interface EraseProps {
  transcript: Transcript;
  onClose: () => void;
}

/** The end of a conversation, and of everything made of it. */
export function Erase({ transcript, onClose }: EraseProps) {
  const { t } = useTranslation();
  const title = useTitle();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const erase = useMutation({
    mutationFn: () => api.DELETE("/api/transcripts/{id}", { params: { path: { id: transcript.id } } }),
    onSuccess: async () => {
      await navigate({ to: "/library", replace: true });
      await queryClient.invalidateQueries({ queryKey: ["hall"] });
    },
  });
  return (
    <Confirm
      opened
      title={t("library.erase.title", { title: title(transcript) })}
      verb={t("library.erase.verb")}
      busy={erase.isPending}
      failure={erase.error}
      onConfirm={() => erase.mutate()}
      onClose={onClose}
    >
      {t("library.erase.words")}
    </Confirm>
  );
}
