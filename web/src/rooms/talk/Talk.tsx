import { ActionIcon, Button, SegmentedControl, Select, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconMessageCircle, IconPlayerStopFilled, IconPlus, IconSend } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace, useMe } from "../../api/session";
import { useFormat } from "../../i18n/format";
import { Empty } from "../../ui/Empty";
import { Page } from "../../ui/Page";
import { Person } from "../../ui/Person";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { type Bot, botsQuery } from "../bots/bots";
import { Stages } from "./Stages";
import classes from "./Talk.module.css";
import { TableButton } from "./TableButton";
import { type Exchange, type Stage, useTalk } from "./useTalk";

const REMEMBERED = "tertulia.talk.bot";
type Way = "hold" | "free";

export function Talk() {
  const { t, i18n } = useTranslation();
  const space = useActiveSpace();
  const bots = useQuery(botsQuery(space?.id));
  const [chosen, setChosen] = useState(() => localStorage.getItem(REMEMBERED));
  const items = bots.data?.items ?? [];
  const bot = items.find((one) => one.id === chosen) ?? usual(items, i18n.language);
  const [way, setWay] = useState<Way>("hold");
  const talk = useTalk(bot?.id);
  const choose = (id: string) => {
    localStorage.setItem(REMEMBERED, id);
    setChosen(id);
    talk.anew();
  };
  return (
    <Page
      title={t("rooms.talk")}
      lead={t("talk.lead")}
      action={
        talk.exchanges.length > 0 && (
          <Button variant="default" leftSection={<IconPlus size={18} aria-hidden="true" />} onClick={talk.anew}>
            {t("talk.anew")}
          </Button>
        )
      }
    >
      <ProblemNote failure={bots.error} onRetry={() => void bots.refetch()} />
      {bots.isPending && <RowSkeletons />}
      {bot && (
        <div className={classes.room}>
          <Choices bots={items} bot={bot} way={way} onBot={choose} onWay={setWay} />
          <Deafness bot={bot} />
          <Exchanges bot={bot} exchanges={talk.exchanges} />
          <Console bot={bot} way={way} talk={talk} />
        </div>
      )}
    </Page>
  );
}

/** The host in the reader's language, or whoever is there. */
function usual(bots: Bot[], language: string): Bot | undefined {
  return bots.find((bot) => bot.is_shipped && bot.language === language) ?? bots[0];
}

interface ChoicesProps {
  bots: Bot[];
  bot: Bot;
  way: Way;
  onBot: (id: string) => void;
  onWay: (way: Way) => void;
}

function Choices({ bots, bot, way, onBot, onWay }: ChoicesProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const option = (one: Bot) => ({
    value: one.id,
    label: one.language ? `${one.name} · ${format.language(one.language)}` : one.name,
  });
  const own = bots.filter((one) => !one.is_shipped).map(option);
  const shipped = bots.filter((one) => one.is_shipped).map(option);
  return (
    <div className={classes.choices}>
      <Select
        label={t("talk.bot")}
        value={bot.id}
        allowDeselect={false}
        searchable
        onChange={(id) => id && onBot(id)}
        data={[
          ...(own.length > 0 ? [{ group: t("bots.own"), items: own }] : []),
          { group: t("bots.shipped"), items: shipped },
        ]}
      />
      <SegmentedControl
        aria-label={t("talk.way")}
        value={way}
        onChange={(value) => onWay(value)}
        data={[
          { value: "hold", label: t("talk.ways.hold") },
          { value: "free", label: t("talk.ways.free") },
        ]}
      />
    </div>
  );
}

/** What cannot be heard on this machine is said before anybody speaks in vain. */
function Deafness({ bot }: { bot: Bot }) {
  const { t } = useTranslation();
  if (bot.cannot_hear) {
    return (
      <div className={classes.note} role="note">
        {t("talk.cannotHear")}
        <details>
          <summary>{t("problems.serverSays")}</summary>
          <p lang="en">{bot.cannot_hear}</p>
        </details>
      </div>
    );
  }
  if (bot.hears_with !== "pocketsphinx") return null;
  return (
    <p className={classes.note} role="note">
      {t("talk.hearsRoughly")}
    </p>
  );
}

function Exchanges({ bot, exchanges }: { bot: Bot; exchanges: Exchange[] }) {
  const { t } = useTranslation();
  const end = useRef<HTMLLIElement>(null);
  const last = exchanges.at(-1);
  useEffect(() => {
    if (last?.id) end.current?.scrollIntoView({ block: "nearest" });
  }, [last?.id, last?.stage]);
  return (
    <ol className={classes.exchanges} aria-label={t("talk.conversation")}>
      {bot.says_first && (
        <li className={classes.line} lang={bot.language ?? undefined}>
          <Person identity={bot.id} name={bot.name} />
          <p>{bot.says_first}</p>
        </li>
      )}
      {exchanges.map((exchange) => (
        <OneExchange key={exchange.id} bot={bot} exchange={exchange} />
      ))}
      {exchanges.length === 0 && !bot.says_first && (
        <li>
          <Empty icon={<IconMessageCircle size={28} />} title={t("talk.emptyTitle")}>
            {t("talk.emptyWords")}
          </Empty>
        </li>
      )}
      <li ref={end} className={classes.end ?? ""} aria-hidden="true" />
    </ol>
  );
}

function OneExchange({ bot, exchange }: { bot: Bot; exchange: Exchange }) {
  const { t } = useTranslation();
  const me = useMe();
  const { said, reply, stage, answer, failure } = exchange;
  const nothing = said === "" && stage !== "hearing";
  return (
    <li className={classes.exchange} aria-live="polite" aria-busy={stage === "hearing" || stage === "thinking"}>
      <div className={classes.line} data-waiting={said === null || nothing || undefined}>
        <Person identity={me.user.id} name={me.user.name} />
        <p>{nothing ? t("talk.nothingSaid") : (said ?? t("talk.hearing"))}</p>
      </div>
      {(reply || stage === "thinking") && (
        <div className={classes.line} data-waiting={!reply || undefined} lang={answer?.language ?? undefined}>
          <Person identity={bot.id} name={bot.name} />
          <p>{reply || t("talk.thinking")}</p>
        </div>
      )}
      {stage === "stopped" && <div className={classes.after}>{t("talk.stopped")}</div>}
      <ProblemNote failure={failure} />
      {answer && <Stages usage={answer.usage} />}
      {answer && <After answer={answer} />}
    </li>
  );
}

function After({ answer }: { answer: NonNullable<Exchange["answer"]> }) {
  const { t } = useTranslation();
  const { form, outcome_detail, ends, transcript_id } = answer;
  const detail = outcome_detail === "audio.tts_error" ? t("talk.notSpoken") : outcome_detail && t("talk.cutShort");
  return (
    <div className={classes.after}>
      {detail && <span>{detail}</span>}
      {form && (
        <span>
          {t("talk.filledIn")}{" "}
          {Object.entries(form.values)
            .map(([name, value]) => `${name}: ${value}`)
            .join(" · ")}
        </span>
      )}
      {ends && <span>{t("talk.goodbye")}</span>}
      {transcript_id && (
        <Link to="/library/$id" params={{ id: transcript_id }}>
          {t("talk.inLibrary")}
        </Link>
      )}
    </div>
  );
}

function Console({ bot, way, talk }: { bot: Bot; way: Way; talk: ReturnType<typeof useTalk> }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const stage = talk.exchanges.at(-1)?.stage;
  const speaking = stage === "speaking";
  const phone = useMediaQuery("(max-width: 56em)", false, { getInitialValueInEffect: false });
  const running = talk.listening !== "off";
  const write = (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    void talk.write(text.trim());
    setText("");
  };
  const hold = way === "hold";
  const label = hold ? t("talk.hold") : running ? t("talk.endListening") : t("talk.startListening");
  return (
    <div className={classes.console}>
      <TableButton
        label={label}
        holds={hold}
        running={running}
        busy={talk.listening === "opening"}
        disabled={bot.cannot_hear !== null}
        small={talk.exchanges.length > 0 || phone}
        level={talk.level}
        onDown={() => void (hold ? talk.hold() : talk.converse())}
        onUp={() => void (hold ? talk.release() : talk.fallSilent())}
      />
      <p className={classes.hint} role="status">
        {talk.refused
          ? t("talk.refused")
          : t(`talk.hints.${bot.cannot_hear ? "write" : hintOf(way, talk.listening === "on", stage)}`)}
      </p>
      <form className={classes.writing} onSubmit={write}>
        <TextInput
          className={classes.field}
          size="md"
          aria-label={t("talk.write")}
          placeholder={t("talk.write")}
          value={text}
          maxLength={20_000}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        {speaking && !text.trim() ? (
          <ActionIcon key="stop" variant="default" size={42} aria-label={t("talk.stop")} onClick={talk.stop}>
            <IconPlayerStopFilled size={18} aria-hidden="true" />
          </ActionIcon>
        ) : (
          <ActionIcon key="send" type="submit" size={42} aria-label={t("talk.send")} disabled={!text.trim()}>
            <IconSend size={20} aria-hidden="true" />
          </ActionIcon>
        )}
      </form>
    </div>
  );
}

function hintOf(way: Way, listening: boolean, stage: Stage | undefined) {
  if (way === "hold") {
    if (listening) return "release";
    return stage === "speaking" ? "speaking" : "hold";
  }
  if (!listening) return "start";
  if (stage === "speaking") return "interrupt";
  return stage === "hearing" || stage === "thinking" ? "answering" : "pause";
}
