import { ActionIcon, Badge, Button, Checkbox, Select, TextInput, Tooltip } from "@mantine/core";
import { IconBooks, IconMessages, IconPlayerPlay, IconTrash } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { useFormat } from "../../i18n/format";
import { useSaid } from "../../i18n/said";
import { Empty } from "../../ui/Empty";
import { Page } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { useRemoval } from "../../ui/undo";
import { botsQuery } from "../bots/bots";
import { keysQuery } from "../settings/keys/keys";
import { Stages } from "../talk/Stages";
import { Charts } from "./Charts";
import classes from "./Turns.module.css";
import { type Turn, type TurnsSearch, turnsQuery, useDeleteTurn } from "./turns";

const route = getRouteApi("/inside/turns");

export function Turns() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const space = useActiveSpace();
  const turns = useInfiniteQuery(turnsQuery(search, space?.id));
  const deleting = useDeleteTurn();
  const removal = useRemoval((id) => deleting.mutateAsync(id));
  const items = (turns.data?.pages.flatMap((page) => page.items) ?? []).filter((turn) => !removal.hidden.has(turn.id));
  const navigate = route.useNavigate();
  const longest_ms = Math.max(1, ...items.map((turn) => turn.usage_stt_ms + turn.usage_llm_ms + turn.usage_tts_ms));
  return (
    <Page
      title={t("rooms.turns")}
      lead={t("turns.lead")}
      action={
        <Button
          variant="default"
          aria-pressed={search.charts ?? false}
          onClick={() => void navigate({ search: { ...search, charts: !search.charts }, replace: true })}
        >
          {search.charts ? t("turns.list") : t("turns.charts")}
        </Button>
      }
    >
      <Filters search={search} />
      {search.charts ? (
        <Charts search={search} />
      ) : (
        <>
          <ProblemNote failure={turns.error} onRetry={() => void turns.refetch()} />
          {turns.isPending && <RowSkeletons />}
          {turns.isSuccess && items.length === 0 && <Nothing />}
          <ul className={classes.turns} aria-label={t("rooms.turns")}>
            {items.map((turn) => (
              <OneTurn
                key={turn.id}
                turn={turn}
                longest_ms={longest_ms}
                onRemove={() => removal.remove(turn.id, t("turns.removed"))}
              />
            ))}
          </ul>
          {turns.hasNextPage && (
            <Button variant="default" loading={turns.isFetchingNextPage} onClick={() => void turns.fetchNextPage()}>
              {t("turns.more")}
            </Button>
          )}
        </>
      )}
    </Page>
  );
}

function Nothing() {
  const { t } = useTranslation();
  return (
    <Empty
      icon={<IconMessages size={28} />}
      title={t("turns.emptyTitle")}
      action={
        <Button component={Link} to="/talk">
          {t("turns.talk")}
        </Button>
      }
    >
      {t("turns.emptyWords")}
    </Empty>
  );
}

function Filters({ search }: { search: TurnsSearch }) {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const bots = useQuery(botsQuery(space?.id));
  const keys = useQuery(keysQuery);
  const navigate = route.useNavigate();
  const change = (part: { [Name in keyof TurnsSearch]: TurnsSearch[Name] | undefined }) => {
    const next = Object.fromEntries(Object.entries({ ...search, ...part }).filter(([, value]) => value));
    void navigate({ search: next as TurnsSearch, replace: true });
  };
  const field = (name: "user" | "tag") => (
    <TextInput
      key={`${name}:${search[name] ?? ""}`}
      label={t(`turns.by.${name}`)}
      placeholder={t(`turns.hints.${name}`)}
      defaultValue={search[name] ?? ""}
      onBlur={(event) => change({ [name]: event.currentTarget.value.trim() || undefined })}
      onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
    />
  );
  return (
    <div className={classes.filters} role="search">
      {field("user")}
      <Select
        clearable
        searchable
        label={t("turns.by.key")}
        placeholder={t("turns.hints.key")}
        value={search.key ?? null}
        onChange={(key) => change({ key: key ?? undefined })}
        data={keyOptions(keys.data?.items ?? [], search.key)}
      />
      <Select
        clearable
        searchable
        label={t("turns.by.bot")}
        placeholder={t("turns.hints.bot")}
        value={search.bot ?? null}
        onChange={(bot) => change({ bot: bot ?? undefined })}
        data={(bots.data?.items ?? []).map((bot) => ({
          value: bot.id,
          label: bot.is_shipped ? `${bot.name} (${bot.language})` : bot.name,
        }))}
      />
      {field("tag")}
      <Checkbox
        className={classes.plain}
        label={t("turns.by.failed")}
        checked={search.failed ?? false}
        onChange={(event) => change({ failed: event.currentTarget.checked || undefined })}
      />
    </div>
  );
}

/** Keys by their names, and the one looked for where it is nobody's any more. */
function keyOptions(keys: readonly { id: string; name: string }[], wanted: string | undefined) {
  const known = keys.map(({ id, name }) => ({ value: id, label: name }));
  return wanted && !known.some(({ value }) => value === wanted) ? [...known, { value: wanted, label: wanted }] : known;
}

interface OneTurnProps {
  turn: Turn;
  longest_ms: number;
  onRemove: () => void;
}

function OneTurn({ turn, longest_ms, onRemove }: OneTurnProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const said = useSaid();
  const [open, setOpen] = useState(false);
  const failed = turn.outcome !== "ok" && said("problems", turn.outcome, turn.outcome);
  const detail =
    turn.outcome_detail === "audio.tts_error" ? t("talk.notSpoken") : turn.outcome_detail && t("talk.cutShort");
  return (
    <li className={classes.turn}>
      <div className={classes.head}>
        <div className={classes.about}>
          <strong>{turn.bot_name}</strong>
          <time dateTime={turn.created_at} title={format.moment(turn.created_at)}>
            {format.shortly(turn.created_at)}
          </time>
          {turn.user_external_id && <span>{turn.user_external_id}</span>}
          {turn.form && <Badge color="good">{turn.form}</Badge>}
          {Object.entries(turn.meta_tags).map(([name, value]) => (
            <Badge key={name} color="quiet" variant="light">
              {name}: {value}
            </Badge>
          ))}
        </div>
        <Actions turn={turn} open={open} onOpen={() => setOpen(true)} onRemove={onRemove} />
      </div>
      <div className={classes.words} lang={turn.language ?? undefined}>
        {(turn.transcript || !failed) && <p className={classes.said}>{turn.transcript || t("talk.nothingSaid")}</p>}
        {turn.reply_text && <p>{turn.reply_text}</p>}
      </div>
      {failed && <p className={classes.failed}>{failed}</p>}
      {detail && <p className={classes.detail}>{detail}</p>}
      {open && <Sounds turn={turn} />}
      {turn.provider_llm && <Stages longest_ms={longest_ms} usage={usageOf(turn)} />}
    </li>
  );
}

const usageOf = (turn: Turn) => ({
  input_seconds: turn.request_duration_seconds,
  output_seconds: turn.output_seconds,
  stt_ms: turn.usage_stt_ms,
  llm_ms: turn.usage_llm_ms,
  tts_ms: turn.usage_tts_ms,
  total_ms: turn.usage_total_ms,
  first_word_ms: turn.first_word_ms,
  first_sound_ms: turn.first_sound_ms,
  provider_stt: turn.provider_stt,
  provider_llm: turn.provider_llm,
  provider_tts: turn.provider_tts,
});

interface ActionsProps {
  turn: Turn;
  open: boolean;
  onOpen: () => void;
  onRemove: () => void;
}

function Actions({ turn, open, onOpen, onRemove }: ActionsProps) {
  const { t } = useTranslation();
  return (
    <div className={classes.actions}>
      {!open && (turn.tts_available || turn.has_request_audio) && (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlayerPlay size={14} aria-hidden="true" />}
          onClick={onOpen}
        >
          {t("turns.listen")}
        </Button>
      )}
      {turn.transcript_id && (
        <Tooltip label={t("talk.inLibrary")}>
          <ActionIcon
            size={32}
            variant="subtle"
            color="quiet"
            aria-label={t("talk.inLibrary")}
            renderRoot={(props) => <Link to="/library/$id" params={{ id: turn.transcript_id ?? "" }} {...props} />}
          >
            <IconBooks size={18} stroke={1.75} />
          </ActionIcon>
        </Tooltip>
      )}
      <Tooltip label={t("actions.remove")}>
        <ActionIcon size={32} variant="subtle" color="quiet" aria-label={t("turns.removeOne")} onClick={onRemove}>
          <IconTrash size={18} stroke={1.75} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

/** Both sides, to be listened to; only when asked for, since each is fetched. */
function Sounds({ turn }: { turn: Turn }) {
  const { t } = useTranslation();
  return (
    <div className={classes.sounds}>
      {turn.has_request_audio && (
        <audio controls preload="none" aria-label={t("turns.question")} src={audioOf(turn.id, "request")} />
      )}
      {turn.tts_available && (
        <audio controls preload="none" aria-label={t("turns.answer")} src={audioOf(turn.id, "reply")} />
      )}
    </div>
  );
}

const audioOf = (id: string, side: "reply" | "request") => `/api/audio-sessions/${id}/audio?of=${side}`;
