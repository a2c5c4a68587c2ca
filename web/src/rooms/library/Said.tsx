import { ActionIcon, Button, Textarea } from "@mantine/core";
import { IconPencil } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { duration, useFormat } from "../../i18n/format";
import { direction, type Paragraph } from "../../listening/paragraphs";
import { SpokenText } from "../../listening/SpokenText";
import type { Finding } from "../../listening/useFinding";
import type { Player } from "../../listening/usePlayer";
import { ProblemNote } from "../../ui/ProblemNote";
import { showFailure, useUndoNotice } from "../../ui/undo";
import classes from "./Conversation.module.css";
import { editsQuery, type Segment, type Transcript, useCorrect } from "./hall";

interface SaidProps {
  transcript: Transcript;
  segments: readonly Segment[];
  all: readonly Paragraph[];
  finding: Finding;
  player: Player;
  heard: boolean;
  cited: number | null;
}

/** The text, where each passage can be corrected. */
export function Said({ transcript, segments, all, finding, player, heard, cited }: SaidProps) {
  const { t } = useTranslation();
  const [editing, setEditing] = useState<string | null>(null);
  const keyOf = (one: Paragraph) => one.parts[0]?.id ?? "";
  const byId = useMemo(() => new Map(segments.map((one) => [one.utterance_id, one])), [segments]);
  return (
    <SpokenText
      {...{ all, finding, player, heard, cited }}
      language={transcript.language}
      aside={(one) => (
        <ActionIcon
          variant="subtle"
          color="quiet"
          size={28}
          aria-label={t("library.correctAt", { time: duration(one.start) })}
          onClick={() => setEditing(keyOf(one))}
        >
          <IconPencil size={16} />
        </ActionIcon>
      )}
      instead={(one) =>
        editing === keyOf(one) ? (
          <Correcting
            transcript={transcript}
            parts={one.parts.flatMap((part) => byId.get(part.id) ?? [])}
            onDone={() => setEditing(null)}
          />
        ) : null
      }
    />
  );
}

interface CorrectingProps {
  transcript: Transcript;
  parts: readonly Segment[];
  onDone: () => void;
}

function Correcting({ transcript, parts, onDone }: CorrectingProps) {
  const { t } = useTranslation();
  const correct = useCorrect(transcript.id);
  const notice = useUndoNotice();
  const [texts, setTexts] = useState<Record<string, string>>({});
  const changed = parts.filter((one) => (texts[one.utterance_id] ?? one.text).trim() !== one.text.trim());

  const save = async () => {
    try {
      for (const one of changed) {
        await correct.mutateAsync({ utterance: one.utterance_id, change: { text: texts[one.utterance_id] ?? "" } });
      }
    } catch {
      return;
    }
    onDone();
    if (changed.length === 0) return;
    notice(t("library.corrected"), () => {
      for (const one of changed) {
        correct.mutate({ utterance: one.utterance_id, change: { text: one.text } }, { onError: showFailure });
      }
    });
  };

  return (
    <div
      className={classes.correcting}
      onKeyDown={(event) => {
        if (event.key === "Escape") onDone();
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save();
      }}
    >
      {parts.map((one, place) => (
        <div key={one.utterance_id}>
          <Textarea
            autosize
            minRows={1}
            autoFocus={place === 0}
            disabled={!one.is_final}
            classNames={{ input: classes.field }}
            dir={direction(one.language)}
            aria-label={t("library.textAt", { time: duration(one.start) })}
            value={texts[one.utterance_id] ?? one.text}
            onChange={(event) => setTexts({ ...texts, [one.utterance_id]: event.currentTarget.value })}
          />
          {one.edited_at && <History id={transcript.id} utterance={one.utterance_id} />}
        </div>
      ))}
      <ProblemNote failure={correct.error} />
      <div className={classes.correctingFoot}>
        <Button size="sm" loading={correct.isPending} onClick={() => void save()}>
          {t("actions.save")}
        </Button>
        <Button size="sm" variant="default" onClick={onDone}>
          {t("actions.cancel")}
        </Button>
      </div>
    </div>
  );
}

/** What stood here before, the latest first. */
function History({ id, utterance }: { id: string; utterance: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const edits = useQuery(editsQuery(id, utterance));
  return (
    <ul className={classes.history} aria-label={t("library.history")}>
      {(edits.data?.items ?? []).map((edit) => (
        <li key={edit.version}>
          <span>{format.moment(edit.edited_at)}</span>
          {edit.text_before !== edit.text_after && <del>{edit.text_before}</del>}
          {edit.speaker_before !== edit.speaker_after && (
            <del>{edit.speaker_before ?? t("library.unknownSpeaker")}</del>
          )}
        </li>
      ))}
    </ul>
  );
}
