import {
  IconFileImport,
  IconFileMusic,
  IconMessages,
  IconMicrophone,
  IconPhone,
  IconUsersGroup,
  IconWaveSine,
  type TablerIcon,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Kind } from "./filters";
import type { Transcript } from "./hall";

export const kindIcons: Record<Kind, TablerIcon> = {
  voice: IconWaveSine,
  live: IconMicrophone,
  chat: IconMessages,
  calls: IconPhone,
  meetings: IconUsersGroup,
  files: IconFileMusic,
  imports: IconFileImport,
};

/** What a conversation is called; one without a title by its kind. */
export function useTitle(): (transcript: Pick<Transcript, "title" | "kind">) => string {
  const { t } = useTranslation();
  return ({ title, kind }) => title || t(`library.untitled.${kind}`);
}
