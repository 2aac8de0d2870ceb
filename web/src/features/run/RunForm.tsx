import { useMutation } from "@tanstack/react-query";
import { FileSearch, Play } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useLocation, useNavigate } from "react-router";
import { z } from "zod";
import type { Runbook } from "#protocol/api/runbooks.ts";
import { newId } from "#protocol/ids.ts";
import type { ParameterValues } from "#protocol/runbook/parameters.ts";
import { ApiError, messageOf, UnreachableError } from "../../api/errors.ts";
import { startExecution } from "../../api/queries/executions.ts";
import { Button } from "../../components/Button.tsx";
import { Notice } from "../../components/Notice.tsx";
import { paths } from "../../routes/paths.ts";
import { PreviewDialog } from "../plan/PreviewDialog.tsx";
import { type Answers, checkAnswers, initialAnswers } from "./answers.ts";
import { ParameterField } from "./ParameterField.tsx";

/** Parameters of an earlier execution, handed over by "Run again". */
const handedOver = z.object({
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

const RETRIES = 4;

export function RunForm({ runbook }: { runbook: Runbook }) {
  const { parameters } = runbook.version.document;
  const navigate = useNavigate();
  const earlier = handedOver.safeParse(useLocation().state).data?.parameters;
  const { register, handleSubmit, setError, setFocus, formState } = useForm<Answers>({
    defaultValues: initialAnswers(parameters, earlier),
  });
  // One key per opened form: a double click, or a retry over a flaky network, starts one execution.
  const [key, setKey] = useState(() => newId("request"));
  const start = useMutation({
    mutationFn: (values: ParameterValues) =>
      startExecution(runbook.id, { parameters: values, version: runbook.version.number }, key),
    retry: (failures, error) => failures < RETRIES && error instanceof UnreachableError,
    onSuccess: (execution) => navigate(paths.execution(execution.id)),
    // The key belongs to other answers by now: whoever asks again means a new execution.
    onError: (error) => {
      if (error instanceof ApiError && error.code === "idempotency_conflict") setKey(newId("request"));
    },
  });
  const [planned, setPlanned] = useState<ParameterValues>();
  const withValues = (use: (values: ParameterValues) => void) =>
    handleSubmit((answers) => {
      const checked = checkAnswers(parameters, answers);
      if (checked.ok) return use(checked.values);
      const names = Object.keys(checked.problems);
      for (const name of names) setError(name, { message: checked.problems[name] });
      const first = parameters.find(({ name }) => names.includes(name));
      if (first) setFocus(first.name);
    });
  const submit = withValues((values) => start.mutate(values));
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-5">
      {parameters.map((parameter) => (
        <ParameterField
          key={parameter.name}
          parameter={parameter}
          registration={register(parameter.name)}
          error={formState.errors[parameter.name]?.message}
        />
      ))}
      {parameters.length === 0 && (
        <p className="text-muted">This runbook asks for nothing. It is ready to run.</p>
      )}
      {start.isError && <StartFailed error={start.error} />}
      {start.isPending && start.failureCount > 0 && (
        <Notice tone="warn" role="status">
          No answer yet; trying again. It starts once, however often this is sent.
        </Notice>
      )}
      <div className="flex flex-wrap gap-2">
        <Button
          type="submit"
          variant="primary"
          size="lg"
          busy={start.isPending || start.isSuccess}
          className="max-sm:flex-1"
        >
          {!(start.isPending || start.isSuccess) && <Play aria-hidden />}
          Run version {runbook.version.number}
        </Button>
        <Button size="lg" className="max-sm:flex-1" onClick={withValues(setPlanned)}>
          <FileSearch aria-hidden />
          Show the plan
        </Button>
      </div>
      {planned && (
        <PreviewDialog
          runbookId={runbook.id}
          body={{ parameters: planned, version: runbook.version.number }}
          onClose={() => setPlanned(undefined)}
        />
      )}
    </form>
  );
}

function StartFailed({ error }: { error: unknown }) {
  const issues = error instanceof ApiError ? error.issues : [];
  return (
    <Notice tone="bad" role="alert" title="It did not start">
      {messageOf(error)}
      {issues.length > 0 && (
        <ul className="mt-1 list-disc pl-4">
          {issues.map((issue) => (
            <li key={`${issue.path} ${issue.message}`}>{issue.message}</li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
