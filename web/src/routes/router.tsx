/** The map of the app: each page is a chunk of its own, loaded when it is visited. */
import { createBrowserRouter, redirect } from "react-router";
import { AppLayout } from "../features/shell/AppLayout.tsx";
import { PageSkeleton } from "../features/shell/PageSkeleton.tsx";
import { NotFoundPage } from "./NotFoundPage.tsx";
import { paths } from "./paths.ts";
import { RouteError } from "./RouteError.tsx";

export const router = createBrowserRouter([
  {
    ErrorBoundary: RouteError,
    HydrateFallback: PageSkeleton,
    children: [
      {
        path: "login",
        lazy: async () => ({ Component: (await import("../features/auth/LogInPage.tsx")).LogInPage }),
      },
      {
        path: "signup",
        lazy: async () => ({ Component: (await import("../features/auth/SignUpPage.tsx")).SignUpPage }),
      },
      {
        Component: AppLayout,
        children: [
          {
            ErrorBoundary: RouteError,
            children: [
              { index: true, loader: () => redirect(paths.runbooks) },
              {
                path: "runbooks",
                lazy: async () => ({
                  Component: (await import("../features/runbooks/RunbooksPage.tsx")).RunbooksPage,
                }),
              },
              {
                path: "runbooks/new",
                lazy: async () => ({
                  Component: (await import("../features/editor/NewRunbookPage.tsx")).NewRunbookPage,
                }),
              },
              {
                path: "runbooks/:runbookId",
                lazy: async () => ({
                  Component: (await import("../features/runbooks/RunbookPage.tsx")).RunbookPage,
                }),
              },
              {
                path: "runbooks/:runbookId/versions/:number",
                lazy: async () => ({
                  Component: (await import("../features/runbooks/VersionPage.tsx")).VersionPage,
                }),
              },
              {
                path: "runbooks/:runbookId/compare",
                lazy: async () => ({
                  Component: (await import("../features/runbooks/ComparePage.tsx")).ComparePage,
                }),
              },
              {
                path: "runbooks/:runbookId/edit",
                lazy: async () => ({
                  Component: (await import("../features/editor/EditRunbookPage.tsx")).EditRunbookPage,
                }),
              },
              {
                path: "runbooks/:runbookId/run",
                lazy: async () => ({ Component: (await import("../features/run/RunPage.tsx")).RunPage }),
              },
              {
                path: "executions",
                lazy: async () => ({
                  Component: (await import("../features/executions/ExecutionsPage.tsx")).ExecutionsPage,
                }),
              },
              {
                path: "executions/:executionId",
                lazy: async () => ({
                  Component: (await import("../features/executions/ExecutionPage.tsx")).ExecutionPage,
                }),
              },
              {
                path: "agents",
                lazy: async () => ({
                  Component: (await import("../features/agents/AgentsPage.tsx")).AgentsPage,
                }),
              },
              {
                path: "secrets",
                lazy: async () => ({
                  Component: (await import("../features/secrets/SecretsPage.tsx")).SecretsPage,
                }),
              },
              {
                path: "api-keys",
                lazy: async () => ({
                  Component: (await import("../features/api-keys/ApiKeysPage.tsx")).ApiKeysPage,
                }),
              },
              {
                path: "signing-keys",
                lazy: async () => ({
                  Component: (await import("../features/signing/SigningKeysPage.tsx")).SigningKeysPage,
                }),
              },
              {
                path: "settings",
                lazy: async () => ({
                  Component: (await import("../features/settings/SettingsPage.tsx")).SettingsPage,
                }),
              },
              {
                path: "settings/webhooks",
                lazy: async () => ({
                  Component: (await import("../features/webhooks/WebhooksPage.tsx")).WebhooksPage,
                }),
              },
              {
                path: "settings/webhooks/:webhookId",
                lazy: async () => ({
                  Component: (await import("../features/webhooks/WebhookPage.tsx")).WebhookPage,
                }),
              },
              { path: "*", Component: NotFoundPage },
            ],
          },
        ],
      },
    ],
  },
]);
