import { Button, Modal, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { duration, useFormat } from "../../i18n/format";
import type { Paragraph } from "../../listening/paragraphs";
import { huesOf, identityOf } from "../../listening/voices";
import { token } from "../../theme/theme";
import dialogs from "../../ui/Dialog.module.css";
import { Person } from "../../ui/Person";
import { ProblemNote } from "../../ui/ProblemNote";
import { useUndoNotice } from "../../ui/undo";
import { written } from "../../ui/written";
import classes from "./Conversation.module.css";
import { type Segment, type Transcript, useRenameSpeaker } from "./hall";

interface Voice {
  speaker: string | null;
  person: string | null;
  channel: number | null;
  identity: string;
  seconds: number;
}

/** How long each voice speaks, the longest first. */
function voicesOf(segments: readonly Segment[]): Voice[] {
  const voices = new Map<string, Voice>();
  for (const { speaker, person, channel, start, end } of segments) {
    const identity = identityOf({ voice: speaker, person, channel });
    const known = voices.get(identity) ?? { speaker, person, channel, identity, seconds: 0 };
    voices.set(identity, { ...known, seconds: known.seconds + Math.max(0, end - start) });
  }
  return [...voices.values()].sort((a, b) => b.seconds - a.seconds);
}

interface SpeakersProps {
  transcript: Transcript;
  segments: readonly Segment[];
  all: readonly Paragraph[];
}

/** Who talks most, and what they are called. */
export function Speakers({ transcript, segments, all }: SpeakersProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [renamed, setRenamed] = useState<Voice | null>(null);
  const voices = useMemo(() => voicesOf(segments), [segments]);
  const hues = useMemo(() => huesOf(all), [all]);
  const total = voices.reduce((sum, voice) => sum + voice.seconds, 0);
  const nameOf = (voice: Voice) =>
    voice.speaker ??
    (voice.channel === null ? t("library.unknownSpeaker") : t("listen.channel", { number: voice.channel + 1 }));
  if (voices.length === 0) return null;
  return (
    <section className={classes.block}>
      <h2 className={classes.blockTitle}>{t("library.whoTalks")}</h2>
      <ul className={classes.speakers}>
        {voices.map((voice) => {
          const hue = hues.get(voice.identity) ?? "speaker-1";
          const share = total > 0 ? voice.seconds / total : 0;
          return (
            <li key={voice.identity}>
              <button type="button" className={classes.speaker} onClick={() => setRenamed(voice)}>
                <Person identity={voice.identity} name={nameOf(voice)} size={28} hue={hue} />
                <span className={classes.speakerName}>{nameOf(voice)}</span>
                <span className={classes.speakerShare}>
                  {format.percent(share)} · {duration(voice.seconds)}
                </span>
                <span className={classes.speakerBar} style={{ color: token(hue) }}>
                  <span style={{ width: `${share * 100}%` }} />
                </span>
                <span className="visually-hidden">{t("actions.rename")}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {renamed && (
        <RenameSpeaker
          transcript={transcript}
          voice={renamed}
          name={nameOf(renamed)}
          onClose={() => setRenamed(null)}
        />
      )}
    </section>
  );
}

interface RenameProps {
  transcript: Transcript;
  voice: Voice;
  name: string;
  onClose: () => void;
}

function RenameSpeaker({ transcript, voice, name, onClose }: RenameProps) {
  const { t } = useTranslation();
  const rename = useRenameSpeaker(transcript.id);
  const notice = useUndoNotice();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("library.renameSpeaker", { name })}
      closeButtonProps={{ "aria-label": t("actions.close") }}
    >
      <form
        className={dialogs.stack}
        onSubmit={(event) => {
          const field = written(event);
          const after = field("name").trim() || null;
          const person = field("person").trim() || null;
          // Unknown speakers are told apart by their channels.
          const channel = voice.speaker === null ? voice.channel : null;
          const change = { speaker: voice.speaker, name: after, person, channel };
          rename.mutate(change, {
            onSuccess: () => {
              onClose();
              notice(t("library.renamed", { name: after ?? t("library.unknownSpeaker") }), () =>
                rename.mutate({ speaker: after, name: voice.speaker, person: voice.person, channel }),
              );
            },
          });
        }}
      >
        <TextInput
          name="name"
          label={t("library.speakerName")}
          defaultValue={voice.speaker ?? ""}
          maxLength={200}
          data-autofocus
        />
        <TextInput
          name="person"
          label={t("library.personReference")}
          description={t("library.personWords")}
          defaultValue={voice.person ?? ""}
          maxLength={200}
        />
        <ProblemNote failure={rename.error} />
        <div className={dialogs.buttons}>
          <Button variant="default" onClick={onClose}>
            {t("actions.cancel")}
          </Button>
          <Button type="submit" loading={rename.isPending}>
            {t("actions.rename")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
