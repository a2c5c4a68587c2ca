import { Badge, Button, Modal } from "@mantine/core";
import { IconArrowLeft, IconSend } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Delivery } from "../../../api/types";
import { useFormat } from "../../../i18n/format";
import dialog from "../../../ui/Dialog.module.css";
import { Empty } from "../../../ui/Empty";
import { List, Row } from "../../../ui/List";
import { Page } from "../../../ui/Page";
import { ProblemNote } from "../../../ui/ProblemNote";
import { RowSkeletons } from "../../../ui/Skeletons";
import { showFailure } from "../../../ui/undo";
import forms from "../Form.module.css";
import classes from "./Deliveries.module.css";
import { NewSecret } from "./NewSecret";
import { deliveriesQuery, deliveryQuery, useReplay, useTestWebhook, webhooksQuery } from "./webhooks";

const route = getRouteApi("/inside/settings/webhooks/$id");

const colours = { pending: "warn", succeeded: "good", failed: "bad" } as const;

export function Deliveries() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const webhooks = useQuery(webhooksQuery);
  const deliveries = useInfiniteQuery(deliveriesQuery(id));
  const test = useTestWebhook();
  const [shown, setShown] = useState<string | null>(null);
  const webhook = webhooks.data?.items.find((one) => one.id === id);
  const items = deliveries.data?.pages.flatMap((page) => page.items) ?? [];
  const send = (
    <Button
      leftSection={<IconSend size={18} aria-hidden="true" />}
      loading={test.isPending}
      onClick={() => test.mutate(id, { onError: showFailure })}
    >
      {t("webhooks.test")}
    </Button>
  );
  return (
    <Page
      title={t("webhooks.deliveries")}
      lead={webhook?.url}
      above={
        <Link to="/settings/webhooks" className={forms.back}>
          <IconArrowLeft size={18} aria-hidden="true" />
          {t("settings.webhooks")}
        </Link>
      }
      action={
        <>
          {webhook && <NewSecret id={id} />}
          {send}
        </>
      }
    >
      <ProblemNote failure={deliveries.error} onRetry={() => void deliveries.refetch()} />
      {deliveries.isPending && <RowSkeletons />}
      {deliveries.isSuccess && items.length === 0 && (
        <Empty icon={<IconSend size={28} />} title={t("deliveries.emptyTitle")} action={send}>
          {t("deliveries.emptyWords")}
        </Empty>
      )}
      {items.length > 0 && (
        <List label={t("webhooks.deliveries")}>
          {items.map((delivery) => (
            <DeliveryRow key={delivery.id} delivery={delivery} onShow={() => setShown(delivery.id)} />
          ))}
        </List>
      )}
      {deliveries.hasNextPage && (
        <div>
          <Button
            variant="default"
            loading={deliveries.isFetchingNextPage}
            onClick={() => void deliveries.fetchNextPage()}
          >
            {t("actions.more")}
          </Button>
        </div>
      )}
      <Modal
        opened={shown !== null}
        onClose={() => setShown(null)}
        size="lg"
        title={t("deliveries.payload")}
        closeButtonProps={{ "aria-label": t("actions.close") }}
      >
        {shown && <Payload id={shown} />}
      </Modal>
    </Page>
  );
}

function DeliveryRow({ delivery, onShow }: { delivery: Delivery; onShow: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const replay = useReplay();
  return (
    <Row
      name={
        <>
          <code>{delivery.type}</code>
          <Badge color={colours[delivery.status]}>{t(`deliveries.${delivery.status}`)}</Badge>
        </>
      }
      facts={
        <>
          <span>{format.moment(delivery.created_at)}</span>
          <span>{t("deliveries.attempts", { count: delivery.attempts })}</span>
          {delivery.response_status !== null && (
            <span>{t("deliveries.answered", { code: delivery.response_status })}</span>
          )}
          {delivery.status === "pending" && delivery.next_attempt_at && (
            <span>{t("deliveries.next", { when: format.ago(delivery.next_attempt_at) })}</span>
          )}
          {delivery.failure && <span>{t(`deliveries.failures.${delivery.failure}`)}</span>}
        </>
      }
      side={
        <>
          <Button size="sm" variant="subtle" color="quiet" onClick={onShow}>
            {t("deliveries.show")}
          </Button>
          <Button
            size="sm"
            variant="default"
            loading={replay.isPending}
            onClick={() => replay.mutate(delivery.id, { onError: showFailure })}
          >
            {t("deliveries.replay")}
          </Button>
        </>
      }
    />
  );
}

function Payload({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const delivery = useQuery(deliveryQuery(id));
  if (delivery.error) return <ProblemNote failure={delivery.error} onRetry={() => void delivery.refetch()} />;
  if (!delivery.data) return <RowSkeletons rows={1} height={160} />;
  const { payload, log } = delivery.data;
  return (
    <div className={dialog.stack}>
      {/* A region that scrolls must be reachable by keyboard. */}
      <pre className={classes.payload} tabIndex={0}>
        {JSON.stringify(payload, null, 2)}
      </pre>
      {log.length > 0 && (
        <List label={t("deliveries.log")}>
          {log.map((attempt) => (
            <Row
              key={attempt.at}
              name={format.moment(attempt.at)}
              facts={
                <>
                  <span>{t("deliveries.took", { ms: format.number(attempt.duration_ms) })}</span>
                  {attempt.response_status !== null && (
                    <span>{t("deliveries.answered", { code: attempt.response_status })}</span>
                  )}
                  {attempt.failure && <span>{t(`deliveries.failures.${attempt.failure}`)}</span>}
                </>
              }
            />
          ))}
        </List>
      )}
    </div>
  );
}
