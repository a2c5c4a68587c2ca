import { Button, Divider, PasswordInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { Problem } from "../../api/problem";
import { ProblemNote } from "../../ui/ProblemNote";
import { RowSkeletons } from "../../ui/Skeletons";
import { written } from "../../ui/written";
import { AccountForm } from "./AccountForm";
import { Entry } from "./Entry";
import { optionsQuery, useEntering } from "./entering";

const route = getRouteApi("/sign-in");

export function SignIn() {
  const { link } = route.useSearch();
  return link ? <FirstAccount link={link} /> : <WithPassword />;
}

function FirstAccount({ link }: { link: string }) {
  const { t } = useTranslation();
  const options = useQuery(optionsQuery);
  const claim = useEntering(
    (account: { name: string; email: string; password: string }) =>
      api.POST("/api/auth/claim", { body: { link, ...account } }),
    "/",
  );
  return (
    <Entry title={t("entry.firstTitle")} lead={t("entry.firstLead")}>
      <ProblemNote failure={options.error} onRetry={() => void options.refetch()} />
      {options.isPending && <RowSkeletons height={58} />}
      {options.data && (
        <AccountForm
          passwordMinLength={options.data.password_min_length}
          verb={t("entry.makeAccount")}
          busy={claim.isPending}
          failure={claim.error}
          onSubmit={(account) => claim.mutate(account)}
        />
      )}
    </Entry>
  );
}

function WithPassword() {
  const { t } = useTranslation();
  const { next, error } = route.useSearch();
  const options = useQuery(optionsQuery);
  const signIn = useEntering(
    (credentials: { email: string; password: string }) => api.POST("/api/auth/sign-in", { body: credentials }),
    next ?? "/",
  );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const field = written(event);
    signIn.mutate({ email: field("email").trim(), password: field("password") });
  };
  const oidc = options.data?.oidc;
  const refused = error ? new Problem(0, error, "", null) : null;
  const provider = next ? `/api/auth/oidc/start?next=${encodeURIComponent(next)}` : "/api/auth/oidc/start";
  return (
    <Entry
      title={t("entry.signInTitle")}
      lead={options.data?.first_start ? t("entry.ownerLinkHint") : next ? t("entry.signInToContinue") : undefined}
    >
      <form onSubmit={submit}>
        <TextInput name="email" type="email" label={t("me.email")} autoComplete="username" required />
        <PasswordInput
          name="password"
          label={t("me.password")}
          autoComplete="current-password"
          required
          visibilityToggleButtonProps={{ "aria-label": t("me.showPassword") }}
        />
        <ProblemNote failure={signIn.error ?? options.error ?? refused} />
        <Button type="submit" loading={signIn.isPending}>
          {t("entry.signIn")}
        </Button>
      </form>
      {oidc && (
        <>
          <Divider label={t("entry.or")} />
          <Button component="a" href={provider} variant="default">
            {t("entry.signInWith", { name: oidc.name })}
          </Button>
        </>
      )}
    </Entry>
  );
}
