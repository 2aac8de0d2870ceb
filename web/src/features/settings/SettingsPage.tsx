import { useQuery } from "@tanstack/react-query";
import { BookOpen, KeyRound, LogOut, Signature, Webhook } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { meQuery } from "../../api/queries/me.ts";
import { Button } from "../../components/Button.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Card, Page } from "../../components/Page.tsx";
import { PageHeader } from "../../components/PageHeader.tsx";
import { paths } from "../../routes/paths.ts";
import { useLogOut } from "../shell/useLogOut.ts";
import { ThemeChoice } from "./ThemeChoice.tsx";

export function SettingsPage() {
  const { data: me } = useQuery(meQuery);
  const logOut = useLogOut();
  if (!me) return null;
  return (
    <Page narrow>
      <PageHeader title="Settings" />
      <div className="flex flex-col gap-6">
        <Group title="You">
          <Row label="Name">{me.actor.name}</Row>
          {me.actor.email && <Row label="Email">{me.actor.email}</Row>}
        </Group>
        <Group title="Organization">
          <Row label="Name">{me.organization.name}</Row>
          <Row label="Id">
            <span className="flex min-w-0 items-center gap-1">
              <code className="min-w-0 font-mono text-[0.8125rem] wrap-anywhere">{me.organization.id}</code>
              <CopyButton text={me.organization.id} what="id" />
            </span>
          </Row>
        </Group>
        <Group title="Appearance">
          <ThemeChoice />
        </Group>
        <div className="flex flex-wrap gap-2">
          <Button asChild className="md:hidden">
            <Link to={paths.apiKeys}>
              <KeyRound aria-hidden />
              API keys
            </Link>
          </Button>
          {me.scopes.includes("webhooks:read") && (
            <Button asChild>
              <Link to={paths.webhooks}>
                <Webhook aria-hidden />
                Webhooks
              </Link>
            </Button>
          )}
          <Button asChild>
            <Link to={paths.signingKeys}>
              <Signature aria-hidden />
              Signing keys
            </Link>
          </Button>
          <Button asChild>
            <a href="/docs">
              <BookOpen aria-hidden />
              API reference
            </a>
          </Button>
          <Button onClick={logOut}>
            <LogOut aria-hidden />
            Log out
          </Button>
        </div>
      </div>
    </Page>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="mb-2 text-[0.8125rem] font-medium text-muted">{title}</h2>
      <Card className="divide-y divide-line">{children}</Card>
    </section>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center gap-x-6 gap-y-0.5 px-4 py-2.5">
      <span className="w-24 shrink-0 text-muted">{label}</span>
      <span className="min-w-0 flex-1 basis-48 wrap-anywhere">{children}</span>
    </div>
  );
}
