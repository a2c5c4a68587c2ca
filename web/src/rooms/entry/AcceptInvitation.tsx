import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { meQuery } from "../../api/session";
import { useFormat } from "../../i18n/format";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { type Account, AccountForm } from "./AccountForm";
import { Entry } from "./Entry";
import { invitationQuery, optionsQuery, useEntering } from "./entering";

const route = getRouteApi("/invitations/$token");

export function AcceptInvitation() {
  const { t } = useTranslation();
  const format = useFormat();
  const { token } = route.useParams();
  const invitation = useQuery(invitationQuery(token));
  const options = useQuery(optionsQuery);
  const me = useQuery(meQuery);
  const accept = useEntering(
    (account: Partial<Account>) =>
      api.POST("/api/invitations/{token}/accept", { params: { path: { token } }, body: account }),
    "/",
  );
  const what = invitation.data;
  const title = what ? t("entry.invitedTitle", { space: what.space_name }) : t("entry.invitation");
  const lead =
    what &&
    t(what.inviter_name ? "entry.invitedLead" : "entry.invitedByNobody", {
      inviter: what.inviter_name ?? "",
      role: t(`roles.${what.role}`),
      date: format.date(what.expires_at),
    });
  const ready = invitation.data && options.data && !me.isPending;
  return (
    <Entry title={title} lead={lead}>
      <ProblemNote failure={invitation.error ?? options.error ?? me.error} />
      {invitation.isPending && <RowSkeletons height={58} />}
      {ready && me.data && (
        <>
          <p>{t("entry.joinAs", { name: me.data.user.name, email: me.data.user.email })}</p>
          <ProblemNote failure={accept.error} />
          <Button loading={accept.isPending} onClick={() => accept.mutate({})}>
            {t("entry.join")}
          </Button>
        </>
      )}
      {ready && !me.data && (
        <>
          <AccountForm
            passwordMinLength={options.data.password_min_length}
            verb={t("entry.join")}
            busy={accept.isPending}
            failure={accept.error}
            onSubmit={(account) => accept.mutate(account)}
          />
          <Link to="/sign-in" search={{ next: `/invitations/${token}` }}>
            {t("entry.haveAccount")}
          </Link>
        </>
      )}
    </Entry>
  );
}
