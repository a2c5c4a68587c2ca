import { Button } from "@mantine/core";
import { IconDeviceDesktop } from "@tabler/icons-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { Empty } from "../../ui/Empty";
import { Page } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { useAwayNote } from "./away";
import { hotWordsOf, useWishes, type Wishes } from "./choices";
import { Choices } from "./Choices";
import { Done } from "./Done";
import { History } from "./History";
import classes from "./Live.module.css";
import { conversation, problemOf, useConversation, useElsewhere } from "./room";
import { Running } from "./Running";
import { TableButton } from "./TableButton";
import { Trouble } from "./Trouble";

export function Live() {
  const { t } = useTranslation();
  const view = useConversation();
  const [wishes, change] = useWishes();
  useAwayNote();
  useEffect(() => void conversation.lookBack(), []);
  const running = view.stage === "running";
  return (
    <Page title={t("rooms.live")} lead={running || view.stage === "done" ? undefined : t("live.lead")} wide>
      {view.stage === "running" && <Running view={view} wishes={wishes} onChange={change} />}
      {view.stage === "done" && <Done view={view} size={wishes.size} />}
      {!running && view.stage !== "done" && <Beginning wishes={wishes} onChange={change} />}
      {!running && <History />}
    </Page>
  );
}

interface BeginningProps {
  wishes: Wishes;
  onChange: (part: Partial<Wishes>) => void;
}

function Beginning({ wishes, onChange }: BeginningProps) {
  const { t } = useTranslation();
  const view = useConversation();
  const begin = useBegin(wishes);
  const elsewhere = useElsewhere();
  const starting = view.stage === "starting";
  if (elsewhere && !starting) return <Elsewhere />;
  return (
    <>
      <ProblemNote failure={problemOf(view.failure)} />
      <Trouble trouble={view.trouble} />
      <section className={classes.stage} aria-label={t("live.begin")}>
        <div className={classes.welcome}>
          <TableButton
            size="large"
            running={false}
            busy={starting}
            label={view.interrupted ? t("live.goOn") : t("live.start")}
            level={null}
            onClick={begin}
          />
          {view.interrupted ? <Interrupted text={view.interrupted.text} /> : <Invitation starting={starting} />}
        </div>
        {!view.interrupted && <Choices value={wishes} onChange={onChange} />}
      </section>
    </>
  );
}

function useBegin(wishes: Wishes): () => void {
  const space = useActiveSpace();
  const { interrupted } = useConversation();
  return () => {
    if (interrupted) return void conversation.goOn(wishes);
    const { language, engine, limit } = wishes;
    const hot_words = hotWordsOf(wishes.hotWords);
    void conversation.start(wishes, {
      duration_limit: limit,
      ...(space && { space_id: space.id }),
      ...(language && { language }),
      ...(engine && { engine }),
      ...(hot_words.length > 0 && { hot_words }),
    });
  };
}

function Invitation({ starting }: { starting: boolean }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={classes.call} role="status">
        {starting ? t("live.starting") : t("live.press")}
      </p>
      <p className={classes.hint}>{t("live.hint")}</p>
    </>
  );
}

function Interrupted({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={classes.call}>{t("live.interrupted")}</p>
      <p className={classes.hint}>{t("live.interruptedWords")}</p>
      {text && <blockquote className={classes.so}>{text.length > 240 ? `… ${text.slice(-240)}` : text}</blockquote>}
      <Button variant="default" onClick={() => void conversation.letBe()}>
        {t("live.letBe")}
      </Button>
    </>
  );
}

function Elsewhere() {
  const { t } = useTranslation();
  return (
    <Empty
      icon={<IconDeviceDesktop size={28} />}
      title={t("live.elsewhere")}
      action={<Button onClick={() => void conversation.takeOver()}>{t("live.takeOver")}</Button>}
    >
      {t("live.elsewhereWords")}
    </Empty>
  );
}
