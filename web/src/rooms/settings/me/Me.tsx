import { Button, PasswordInput, SegmentedControl, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useRef } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../../api/client";
import { useMe, useUpdateMe } from "../../../api/session";
import { asLanguage, languageNames, languages, speak } from "../../../i18n";
import { asTheme, themes, useTheme } from "../../../theme/colorScheme";
import { Page, Section } from "../../../ui/Page";
import { ProblemNote } from "../../../ui/ProblemNote";
import { showFailure } from "../../../ui/undo";
import { written } from "../../../ui/written";
import { optionsQuery } from "../../entry/entering";
import forms from "../Form.module.css";
import { Sessions } from "./Sessions";

export function Me() {
  const { t } = useTranslation();
  return (
    <Page title={t("settings.me")} lead={t("me.lead")}>
      <NameForm />
      <Section title={t("me.look")}>
        <Look />
      </Section>
      <Section title={t("me.password")} lead={t("me.passwordLead")}>
        <PasswordForm />
      </Section>
      <Sessions />
    </Page>
  );
}

function NameForm() {
  const { t } = useTranslation();
  const { user } = useMe();
  const update = useUpdateMe();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    update.mutate({ name: written(event)("name").trim() });
  };
  return (
    <div className={forms.card}>
      <form className={forms.form} onSubmit={submit}>
        <TextInput name="name" label={t("me.name")} defaultValue={user.name} autoComplete="name" required />
        <TextInput label={t("me.email")} value={user.email} readOnly variant="filled" />
        <ProblemNote failure={update.error} />
        <Button type="submit" loading={update.isPending}>
          {t("actions.save")}
        </Button>
        <Saved shown={update.isSuccess} />
      </form>
    </div>
  );
}

function Saved({ shown }: { shown: boolean }) {
  const { t } = useTranslation();
  return (
    <output className={shown ? forms.saved : "visually-hidden"} aria-live="polite">
      {shown ? t("me.saved") : ""}
    </output>
  );
}

function Look() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useTheme();
  const update = useUpdateMe();
  const languageLabel = useId();
  const themeLabel = useId();
  return (
    <div className={`${forms.card} ${forms.pair}`}>
      <div className={forms.labelled}>
        <span id={languageLabel}>{t("me.language")}</span>
        <SegmentedControl
          aria-labelledby={languageLabel}
          value={i18n.language}
          data={languages.map((language) => ({ value: language, label: languageNames[language] }))}
          onChange={(value) => {
            const language = asLanguage(value) ?? "en";
            void speak(language);
            update.mutate({ language }, { onError: showFailure });
          }}
        />
      </div>
      <div className={forms.labelled}>
        <span id={themeLabel}>{t("me.theme")}</span>
        <SegmentedControl
          aria-labelledby={themeLabel}
          value={colorScheme}
          data={themes.map((choice) => ({ value: choice, label: t(`themes.${choice}`) }))}
          onChange={(value) => {
            const choice = asTheme(value);
            setColorScheme(choice);
            update.mutate({ theme: choice }, { onError: showFailure });
          }}
        />
      </div>
    </div>
  );
}

function PasswordForm() {
  const { t } = useTranslation();
  const { user } = useMe();
  const form = useRef<HTMLFormElement>(null);
  const options = useQuery(optionsQuery);
  const change = useMutation({
    mutationFn: (passwords: { current: string; new: string }) => api.POST("/api/me/password", { body: passwords }),
    onSuccess: () => form.current?.reset(),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    const field = written(event);
    change.mutate({ current: field("current"), new: field("new") });
  };
  const length = options.data?.password_min_length;
  const eye = { "aria-label": t("me.showPassword") };
  return (
    <div className={forms.card}>
      <form ref={form} className={forms.form} onSubmit={submit}>
        <input type="hidden" autoComplete="username" value={user.email} readOnly />
        <PasswordInput
          name="current"
          label={t("me.currentPassword")}
          autoComplete="current-password"
          required
          visibilityToggleButtonProps={eye}
        />
        <PasswordInput
          name="new"
          label={t("me.newPassword")}
          description={length === undefined ? undefined : t("me.passwordLength", { count: length })}
          autoComplete="new-password"
          minLength={length}
          required
          visibilityToggleButtonProps={eye}
        />
        <ProblemNote failure={change.error} />
        <Button type="submit" variant="default" loading={change.isPending}>
          {t("me.changePassword")}
        </Button>
        <Saved shown={change.isSuccess} />
      </form>
    </div>
  );
}
