import { Button } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { Page } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { PageSkeleton } from "../../ui/Skeletons";
import classes from "./Bots.module.css";
import { type Bot, type BotDefinition, botQuery, definitionOf, emptyBot, useCreateBot, useUpdateBot } from "./bots";
import { Fields } from "./Fields";
import { TryIt } from "./TryIt";
import forms from "../settings/Form.module.css";

const editing = getRouteApi("/inside/settings/bots/$id");
const making = getRouteApi("/inside/settings/bots/new");

/** A bot that is there. */
export function EditBot() {
  const { id } = editing.useParams();
  const bot = useQuery(botQuery(id));
  if (bot.isPending) return <PageSkeleton />;
  if (bot.error) return <ProblemNote failure={bot.error} onRetry={() => void bot.refetch()} />;
  return <Editor key={`${id}:${bot.data.version}`} before={bot.data} start={definitionOf(bot.data)} />;
}

/** A new one, from nothing or as a copy. */
export function NewBot() {
  const { t } = useTranslation();
  const { copy } = making.useSearch();
  const bot = useQuery({ ...botQuery(copy ?? ""), enabled: copy !== undefined });
  if (!copy) return <Editor before={null} start={emptyBot} />;
  if (bot.isPending) return <PageSkeleton />;
  if (bot.error) return <ProblemNote failure={bot.error} onRetry={() => void bot.refetch()} />;
  const definition = definitionOf(bot.data);
  return <Editor key={copy} before={null} start={{ ...definition, name: t("bots.copyOf", { name: bot.data.name }) }} />;
}

function Editor({ before, start }: { before: Bot | null; start: BotDefinition }) {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const [bot, setBot] = useState(start);
  const create = useCreateBot();
  const update = useUpdateBot();
  const navigate = before ? editing.useNavigate() : making.useNavigate();
  const busy = create.isPending || update.isPending;
  const save = (event: FormEvent) => {
    event.preventDefault();
    const done = () => void navigate({ to: "/settings/bots" });
    if (before) update.mutate({ id: before.id, bot, version: before.version }, { onSuccess: done });
    else create.mutate({ ...bot, ...(space && { space_id: space.id }) }, { onSuccess: done });
  };
  return (
    <Page
      wide
      title={before ? before.name : t("bots.newTitle")}
      above={
        <Link to="/settings/bots" className={forms.back}>
          <IconArrowLeft size={18} aria-hidden="true" />
          {t("bots.back")}
        </Link>
      }
    >
      <div className={classes.editor}>
        <form className={classes.form} onSubmit={save}>
          <Fields bot={bot} onChange={(part) => setBot((was) => ({ ...was, ...part }))} />
          <ProblemNote failure={create.error ?? update.error} />
          <div className={classes.foot}>
            <Button type="submit" loading={busy} disabled={!bot.name.trim()}>
              {t("bots.save")}
            </Button>
            <Button component={Link} to="/settings/bots" variant="subtle" color="quiet">
              {t("actions.cancel")}
            </Button>
          </div>
        </form>
        <TryIt bot={bot} saved={before?.id} space={space?.id} />
      </div>
    </Page>
  );
}
