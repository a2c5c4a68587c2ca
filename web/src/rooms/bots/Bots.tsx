import { Badge, Button, FileButton } from "@mantine/core";
import { IconPlus, IconRobot, IconUpload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../api/session";
import { useFormat } from "../../i18n/format";
import { Empty } from "../../ui/Empty";
import { List, Row } from "../../ui/List";
import { Page, Section } from "../../ui/Page";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { useRemoval } from "../../ui/undo";
import { type Bot, botsQuery, useDeleteBot, useImportBot } from "./bots";

export function Bots() {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const bots = useQuery(botsQuery(space?.id));
  const deleting = useDeleteBot();
  const removal = useRemoval((id) => deleting.mutateAsync(id));
  const importing = useImportBot();
  const manages = space !== undefined && space.role !== "MEMBER";
  const items = (bots.data?.items ?? []).filter((bot) => !removal.hidden.has(bot.id));
  const own = items.filter((bot) => !bot.is_shipped);
  const shipped = items.filter((bot) => bot.is_shipped);
  const create = manages ? (
    <Button component={Link} to="/settings/bots/new" leftSection={<IconPlus size={18} aria-hidden="true" />}>
      {t("bots.create")}
    </Button>
  ) : null;
  return (
    <Page title={t("settings.bots")} lead={t("bots.lead")} action={create}>
      <ProblemNote failure={bots.error} onRetry={() => void bots.refetch()} />
      <ProblemNote failure={importing.error} />
      {bots.isPending && <RowSkeletons />}
      {bots.isSuccess && (
        <Section
          title={t("bots.own")}
          action={
            manages && (
              <FileButton
                accept=".toml,application/toml"
                onChange={(file) => file && space && importing.mutate({ file, space: space.id })}
              >
                {(props) => (
                  <Button
                    {...props}
                    variant="default"
                    size="sm"
                    loading={importing.isPending}
                    leftSection={<IconUpload size={16} aria-hidden="true" />}
                  >
                    {t("bots.import")}
                  </Button>
                )}
              </FileButton>
            )
          }
        >
          {own.length === 0 && (
            <Empty icon={<IconRobot size={28} />} title={t("bots.emptyTitle")} action={create}>
              {t("bots.emptyWords")}
            </Empty>
          )}
          {own.length > 0 && (
            <List label={t("bots.own")}>
              {own.map((bot) => (
                <BotRow
                  key={bot.id}
                  bot={bot}
                  manages={manages}
                  onRemove={() => removal.remove(bot.id, t("bots.removed"))}
                />
              ))}
            </List>
          )}
        </Section>
      )}
      {shipped.length > 0 && (
        <Section title={t("bots.shipped")} lead={t("bots.shippedLead")}>
          <List label={t("bots.shipped")}>
            {shipped.map((bot) => (
              <BotRow key={bot.id} bot={bot} manages={manages} />
            ))}
          </List>
        </Section>
      )}
    </Page>
  );
}

function BotRow({ bot, manages, onRemove }: { bot: Bot; manages: boolean; onRemove?: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <Row
      name={
        <>
          {bot.is_shipped || !manages ? (
            <span>{bot.name}</span>
          ) : (
            <Link to="/settings/bots/$id" params={{ id: bot.id }}>
              {bot.name}
            </Link>
          )}
          {bot.thinks_with.startsWith("offline") && <Badge color="quiet">{t("bots.scripted")}</Badge>}
        </>
      }
      facts={
        <>
          {bot.language && <span>{format.language(bot.language)}</span>}
          {!bot.thinks_with.startsWith("offline") && <span>{bot.thinks_with.replaceAll(",", " → ")}</span>}
          {bot.cannot_hear && <span>{t("bots.deaf")}</span>}
        </>
      }
      side={
        <>
          <Button
            component="a"
            href={`/api/bots/${bot.id}/export`}
            size="sm"
            variant="subtle"
            color="quiet"
            aria-label={t("bots.exportOne", { name: bot.name })}
          >
            {t("bots.export")}
          </Button>
          {manages && (
            <Button
              component={Link}
              to={`/settings/bots/new?copy=${bot.id}`}
              size="sm"
              variant="default"
              aria-label={t("bots.copyOne", { name: bot.name })}
            >
              {t("bots.copy")}
            </Button>
          )}
          {manages && onRemove && (
            <Button
              size="sm"
              variant="subtle"
              color="quiet"
              aria-label={t("bots.removeOne", { name: bot.name })}
              onClick={onRemove}
            >
              {t("actions.remove")}
            </Button>
          )}
        </>
      }
    />
  );
}
