import { ActionIcon, Button, TextInput } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ProblemNote } from "../../ui/ProblemNote";
import classes from "./Bots.module.css";
import { type BotDefinition, type Trial, useTrial } from "./bots";

interface Tried {
  id: string;
  said: string;
  answer: Trial;
}

/** The bot as it is being written, to be talked to before it is saved. */
export function TryIt({
  bot,
  saved,
  space,
}: {
  bot: BotDefinition;
  /** Of which it is a change: its tools' secrets, shown as dots, are that one's. */
  saved: string | undefined;
  space: string | undefined;
}) {
  const { t } = useTranslation();
  const trial = useTrial();
  const [tried, setTried] = useState<Tried[]>([]);
  const [text, setText] = useState("");
  const ask = (said: string) => {
    const history = tried.filter((one) => one.said).map((one) => ({ said: one.said, replied: one.answer.reply }));
    trial.mutate(
      {
        bot: { ...bot, name: bot.name.trim() || t("bots.newTitle") },
        said,
        history,
        state: tried.at(-1)?.answer.state ?? null,
        ...(saved && { bot_id: saved }),
        ...(space && { space_id: space }),
      },
      { onSuccess: (answer) => setTried((all) => [...all, { id: crypto.randomUUID(), said, answer }]) },
    );
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    ask(text.trim());
    setText("");
  };
  return (
    <section className={classes.trial} aria-label={t("bots.trial")}>
      <h2>{t("bots.trial")}</h2>
      <ol className={classes.said} aria-live="polite">
        {tried.length === 0 && <li className={classes.why}>{t("bots.trialHint")}</li>}
        {tried.map((one) => (
          <OneTried key={one.id} tried={one} />
        ))}
      </ol>
      <ProblemNote failure={trial.error} />
      <form className={classes.asking} onSubmit={submit}>
        <TextInput
          size="md"
          aria-label={t("bots.say")}
          placeholder={t("bots.say")}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <ActionIcon type="submit" size={42} aria-label={t("talk.send")} loading={trial.isPending}>
          <IconSend size={20} aria-hidden="true" />
        </ActionIcon>
      </form>
      <div className={classes.foot}>
        <Button size="sm" variant="default" onClick={() => ask("")} disabled={tried.length > 0}>
          {t("bots.greet")}
        </Button>
        <Button size="sm" variant="subtle" color="quiet" onClick={() => setTried([])} disabled={tried.length === 0}>
          {t("bots.again")}
        </Button>
      </div>
    </section>
  );
}

function OneTried({ tried: { said, answer } }: { tried: Tried }) {
  const { t } = useTranslation();
  const why = [
    answer.intent && t("bots.meant", { intent: answer.intent }),
    answer.form && t("bots.completed", { form: answer.form }),
    answer.tools.length > 0 && t("bots.called", { tools: answer.tools.join(", ") }),
    answer.provider && `${answer.provider.replaceAll("|", " → ")} · ${answer.llm_ms} ms`,
  ].filter(Boolean);
  return (
    <>
      {said && (
        <li data-who="person">
          <p>{said}</p>
        </li>
      )}
      <li data-who="bot">
        <p>{answer.reply}</p>
        <span className={classes.why}>{why.join(" · ")}</span>
      </li>
    </>
  );
}
