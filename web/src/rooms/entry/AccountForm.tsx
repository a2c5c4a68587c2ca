import { Button, PasswordInput, TextInput } from "@mantine/core";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { ProblemNote } from "../../ui/ProblemNote";
import { written } from "../../ui/written";

export interface Account {
  name: string;
  email: string;
  password: string;
}

interface AccountFormProps {
  passwordMinLength: number;
  verb: string;
  busy: boolean;
  failure: Error | null;
  onSubmit: (account: Account) => void;
}

/** Name, e-mail and a new password: how every account begins. */
export function AccountForm({ passwordMinLength, verb, busy, failure, onSubmit }: AccountFormProps) {
  const { t } = useTranslation();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const field = written(event);
    onSubmit({
      name: field("name").trim(),
      email: field("email").trim(),
      password: field("password"),
    });
  };
  return (
    <form onSubmit={submit}>
      <TextInput name="name" label={t("me.name")} autoComplete="name" required data-autofocus />
      <TextInput name="email" type="email" label={t("me.email")} autoComplete="username" required />
      <PasswordInput
        name="password"
        label={t("me.newPassword")}
        description={t("me.passwordLength", { count: passwordMinLength })}
        autoComplete="new-password"
        minLength={passwordMinLength}
        required
        visibilityToggleButtonProps={{ "aria-label": t("me.showPassword") }}
      />
      <ProblemNote failure={failure} />
      <Button type="submit" loading={busy}>
        {verb}
      </Button>
    </form>
  );
}
