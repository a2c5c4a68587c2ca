import { Badge, Button, Switch } from "@mantine/core";
import { IconPlus, IconWebhook } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useActiveSpace } from "../../../api/session";
import type { Webhook } from "../../../api/types";
import { Empty } from "../../../ui/Empty";
import { List, Row } from "../../../ui/List";
import { Page } from "../../../ui/Page";
import { ProblemNote } from "../../../ui/ProblemNote";
import { RowSkeletons } from "../../../ui/Skeletons";
import { showFailure, useRemoval } from "../../../ui/undo";
import { WebhookDialog } from "./WebhookDialog";
import { useDeleteWebhook, useUpdateWebhook, webhooksQuery } from "./webhooks";

export function Webhooks() {
  const { t } = useTranslation();
  const space = useActiveSpace();
  const webhooks = useQuery(webhooksQuery);
  const ofSpace = (webhooks.data?.items ?? []).filter((webhook) => webhook.space_id === space?.id);
  const [creating, setCreating] = useState(false);
  const deleting = useDeleteWebhook();
  const removal = useRemoval((id) => deleting.mutateAsync(id));
  const manages = space !== undefined && space.role !== "MEMBER";
  const items = ofSpace.filter((webhook) => !removal.hidden.has(webhook.id));
  const create = manages ? (
    <Button leftSection={<IconPlus size={18} aria-hidden="true" />} onClick={() => setCreating(true)}>
      {t("webhooks.create")}
    </Button>
  ) : null;
  return (
    <Page title={t("settings.webhooks")} lead={t("webhooks.lead")} action={create}>
      <ProblemNote failure={webhooks.error} onRetry={() => void webhooks.refetch()} />
      {webhooks.isPending && <RowSkeletons />}
      {webhooks.isSuccess && items.length === 0 && (
        <Empty icon={<IconWebhook size={28} />} title={t("webhooks.emptyTitle")} action={create}>
          {t("webhooks.emptyWords")}
        </Empty>
      )}
      {items.length > 0 && (
        <List label={t("settings.webhooks")}>
          {items.map((webhook) => (
            <WebhookRow
              key={webhook.id}
              webhook={webhook}
              onRemove={() => removal.remove(webhook.id, t("webhooks.removed"))}
            />
          ))}
        </List>
      )}
      {space && <WebhookDialog space={space} opened={creating} onClose={() => setCreating(false)} />}
    </Page>
  );
}

const reasons = ["gone", "failing"] as const;

function WebhookRow({ webhook, onRemove }: { webhook: Webhook; onRemove: () => void }) {
  const { t } = useTranslation();
  const update = useUpdateWebhook();
  const reason = reasons.find((one) => one === webhook.disabled_reason);
  return (
    <Row
      quiet={!webhook.enabled}
      name={
        <>
          <Link to="/settings/webhooks/$id" params={{ id: webhook.id }}>
            {webhook.url}
          </Link>
          {!webhook.enabled && <Badge color="quiet">{t("webhooks.off")}</Badge>}
          {webhook.enabled && webhook.failing_since && <Badge color="warn">{t("webhooks.failing")}</Badge>}
        </>
      }
      facts={
        <>
          <span>{webhook.types.join(", ") || t("webhooks.everyType")}</span>
          {reason && <span>{t(`webhooks.reasons.${reason}`)}</span>}
        </>
      }
      side={
        <>
          <Switch
            aria-label={t("webhooks.enabledOf", { url: webhook.url })}
            checked={webhook.enabled}
            disabled={update.isPending}
            onChange={(event) =>
              update.mutate({ id: webhook.id, enabled: event.currentTarget.checked }, { onError: showFailure })
            }
          />
          <Button component={Link} to={`/settings/webhooks/${webhook.id}`} size="sm" variant="default">
            {t("webhooks.deliveries")}
          </Button>
          <Button
            size="sm"
            variant="subtle"
            color="quiet"
            aria-label={t("webhooks.removeOne", { url: webhook.url })}
            onClick={onRemove}
          >
            {t("actions.remove")}
          </Button>
        </>
      }
    />
  );
}
