import { Menu } from "@mantine/core";
import { IconDeviceDesktop, IconLogout, IconMoon, IconSettings, IconSun } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { api, rememberCsrfToken } from "../api/client";
import { meQuery, useMe, useUpdateMe } from "../api/session";
import { asTheme, themes, useTheme } from "../theme/colorScheme";
import { Person } from "../ui/Person";
import { showFailure } from "../ui/undo";
import classes from "./Shell.module.css";

const icons = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon };

function useSignOut() {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => api.POST("/api/auth/sign-out"),
    onError: showFailure,
    onSuccess: async () => {
      rememberCsrfToken(null);
      queryClient.setQueryData(meQuery.queryKey, null);
      await navigate({ to: "/sign-in" });
      queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== "me" });
    },
  });
}

export function UserMenu({ compact = false }: { compact?: boolean }) {
  const { t } = useTranslation();
  const { user } = useMe();
  const { colorScheme, setColorScheme } = useTheme();
  const update = useUpdateMe();
  const signOut = useSignOut();
  return (
    <Menu position={compact ? "bottom-end" : "top-start"} width={232}>
      <Menu.Target>
        <button type="button" className={classes.you}>
          <span className="visually-hidden">{t("shell.you", { name: user.name })}</span>
          <Person identity={user.id} name={user.name} size={34} />
          {!compact && (
            <span className={classes.youWords} aria-hidden="true">
              <span className={classes.youName}>{user.name}</span>
              <span className={classes.youMail}>{user.email}</span>
            </span>
          )}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to="/settings/me" leftSection={<IconSettings size={18} aria-hidden="true" />}>
          {t("shell.mySettings")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(value) => {
            setColorScheme(asTheme(value));
            update.mutate({ theme: asTheme(value) }, { onError: showFailure });
          }}
        >
          <Menu.Label>{t("me.theme")}</Menu.Label>
          {themes.map((choice) => {
            const Icon = icons[choice];
            return (
              <Menu.RadioItem key={choice} value={choice} rightSection={<Icon size={18} aria-hidden="true" />}>
                {t(`themes.${choice}`)}
              </Menu.RadioItem>
            );
          })}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={18} aria-hidden="true" />} onClick={() => signOut.mutate()}>
          {t("shell.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
